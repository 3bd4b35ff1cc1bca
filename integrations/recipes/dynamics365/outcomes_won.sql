-- The goal `won`: the opportunity that the lead became is won or lost on its actualclosedate. A qualified lead without one is open.
WITH states AS (
    SELECT crm_guid(objectid) AS lead_id, createdon, crm_parts(changedata) AS part FROM audit WHERE coalesce(objecttypecode, 'lead') IN ('lead', '4', 'leads')),
dated AS (
    SELECT lead_id, max(createdon) AS moment FROM states WHERE part.logicalName = 'statecode' AND meaning(part.newValue) = 'lost' GROUP BY ALL)
SELECT _table, _row, crm_guid(originatingleadid) AS lead_id, statecode AS word, meaning(statecode) AS outcome, actualclosedate AS occurred_at, true AS day
FROM opportunity WHERE originatingleadid IS NOT NULL
UNION ALL
SELECT
    l._table, l._row, crm_guid(leadid), statecode, CASE meaning(statecode) WHEN 'converted' THEN 'open' ELSE meaning(statecode) END,
    CASE meaning(statecode) WHEN 'lost' THEN d.moment END, false
FROM lead AS l LEFT JOIN dated AS d ON d.lead_id = crm_guid(l.leadid)
WHERE l.masterid IS NULL AND crm_guid(l.leadid) NOT IN (SELECT crm_guid(originatingleadid) FROM opportunity WHERE originatingleadid IS NOT NULL)
