SELECT _table, _row, coalesce(user_id, user_pseudo_id) AS lead_id, event_name AS word, meaning(event_name) AS outcome, event_timestamp AS occurred_at, false AS day
FROM events WHERE meaning(event_name) IN ('converted', 'lost')
