-- Auditing keeps old and new value of each audited column; the row of the creation has the first values.
WITH parts AS (
    SELECT _table, _row, objectid, createdon, auditid, objecttypecode, crm_parts(changedata) AS part FROM audit)
SELECT
    _table, _row, crm_guid(objectid) AS lead_id, createdon AS changed_at, part.logicalName AS attribute,
    crm_value(part.oldValue) AS old_value, crm_value(part.newValue) AS new_value, true AS has_old, auditid AS position,
    CASE WHEN objecttypecode NOT IN ('lead', '4', 'leads') THEN 'of another table' END AS set_aside
FROM parts
UNION ALL
SELECT _table, _row, crm_guid(objectid), createdon, NULL, NULL, NULL, true, auditid, 'no changed values in it'
FROM audit WHERE auditid NOT IN (SELECT auditid FROM parts)
