-- A lead has no date of its own for being qualified or disqualified: the audit of statecode has it, or, when it was
-- qualified, the creation of its opportunity; never modifiedon.
WITH states AS (
    SELECT crm_guid(objectid) AS lead_id, createdon, crm_parts(changedata) AS part FROM audit WHERE coalesce(objecttypecode, 'lead') IN ('lead', '4', 'leads')),
dated AS (
    SELECT lead_id, meaning(part.newValue) AS outcome, max(createdon) AS moment FROM states WHERE part.logicalName = 'statecode' GROUP BY ALL),
opportunities AS (
    SELECT crm_guid(originatingleadid) AS lead_id, min(createdon) AS moment FROM opportunity GROUP BY ALL)
SELECT
    l._table, l._row, crm_guid(leadid) AS lead_id, statecode AS word, meaning(statecode) AS outcome,
    CASE meaning(statecode) WHEN 'converted' THEN coalesce(d.moment, o.moment) WHEN 'lost' THEN d.moment END AS occurred_at, false AS day
FROM lead AS l
LEFT JOIN dated AS d ON d.lead_id = crm_guid(l.leadid) AND d.outcome = meaning(l.statecode)
LEFT JOIN opportunities AS o ON o.lead_id = crm_guid(l.leadid)
WHERE l.masterid IS NULL
