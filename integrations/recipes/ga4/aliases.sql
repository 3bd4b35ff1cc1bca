SELECT _table, _row, user_pseudo_id AS alias_id, user_id AS lead_id, event_timestamp AS since
FROM events WHERE user_id IS NOT NULL AND user_pseudo_id IS NOT NULL
