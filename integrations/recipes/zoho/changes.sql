-- The timeline has old and new value of each field that an edit changed; an entry without fields (a mail, a note) is none.
WITH parts AS (
    SELECT _table, _row, id, record, audited_time, zoho_fields(field_history) AS part FROM timeline)
SELECT _table, _row, zoho_id(record) AS lead_id, audited_time AS changed_at, part.api_name AS attribute, part._value.old AS old_value, part._value.new AS new_value,
    true AS has_old, id AS position, NULL AS set_aside
FROM parts
UNION ALL
SELECT _table, _row, zoho_id(record), audited_time, NULL, NULL, NULL, true, id, 'an entry without changed fields'
FROM timeline WHERE _row NOT IN (SELECT _row FROM parts)
