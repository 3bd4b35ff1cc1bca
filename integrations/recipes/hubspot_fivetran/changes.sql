SELECT _table, _row, contact_id AS lead_id, timestamp AS changed_at, name AS attribute, value AS new_value, false AS has_old
FROM contact_property_history
