SELECT _table, _row, domain_userid AS alias_id, user_id AS lead_id, coalesce(derived_tstamp, collector_tstamp) AS since
FROM events WHERE domain_userid IS NOT NULL AND user_id IS NOT NULL
