-- A stage is its name of today, whatever it was called when a lead entered it.
SELECT _table, _row, id AS lead_id, create_date AS created_at, * EXCLUDE (_table, _row, id, create_date) REPLACE (odoo_stage(stage_id) AS stage_id)
FROM crm_lead
