-- Where records were imported with their old date, createdon is that date and overriddencreatedon the day of the import.
SELECT _table, _row, crm_guid(leadid) AS lead_id, createdon AS created_at, * EXCLUDE (_table, _row, leadid, createdon)
FROM lead
