SELECT _table, _row, coalesce(user_id, domain_userid) AS lead_id, coalesce(se_action, event_name) AS word,
    coalesce(meaning(se_action), meaning(event_name)) AS outcome, coalesce(derived_tstamp, collector_tstamp) AS occurred_at, false AS day
FROM events WHERE coalesce(meaning(se_action), meaning(event_name)) IN ('converted', 'lost')
