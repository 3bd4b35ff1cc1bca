SELECT _table, _row, record_id AS lead_id, create_date AS created_at, * EXCLUDE (_table, _row, record_id, create_date)
FROM contacts
