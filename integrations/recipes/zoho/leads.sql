SELECT _table, _row, zoho_id(id) AS lead_id, Created_Time AS created_at, * EXCLUDE (_table, _row, id, Created_Time)
FROM leads
