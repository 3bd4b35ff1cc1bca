-- The goal `won`: the opportunity that a lead became is won or lost, dated by the change of its stage, else by CloseDate.
-- A lead that is lost before it has an opportunity is lost; one converted without an opportunity is open.
WITH stages AS (
    SELECT sf_id(OpportunityId) AS opportunity_id, max(CreatedDate) FILTER (Field = 'StageName') AS staged_at
    FROM opportunity_field_history GROUP BY ALL),
statuses AS (
    SELECT sf_id(LeadId) AS lead_id,
        max(CreatedDate) FILTER (Field = 'Status' AND meaning(OldValue) IS DISTINCT FROM 'lost') AS closed_at,
        arg_max(NewValue, CreatedDate) FILTER (Field = 'Status') AS last_status
    FROM lead_history GROUP BY ALL)
SELECT
    o._table, o._row, sf_id(o.Id) AS lead_id, o.StageName AS word,
    CASE WHEN lower(IsWon) = 'true' THEN 'converted' WHEN lower(IsClosed) = 'true' THEN 'lost'
        WHEN lower(IsClosed) = 'false' THEN 'open' ELSE meaning(StageName) END AS outcome,
    coalesce(staged_at, CloseDate) AS occurred_at, staged_at IS NULL AS day,
    CASE WHEN lower(IsDeleted) = 'true' THEN 'deleted in Salesforce' END AS set_aside
FROM opportunity AS o LEFT JOIN stages ON opportunity_id = sf_id(o.Id)
UNION ALL
SELECT
    l._table, l._row, sf_id(l.Id), l.Status,
    CASE WHEN lower(l.IsConverted) = 'true' OR meaning(l.Status) = 'converted' THEN 'open' ELSE meaning(l.Status) END,
    CASE WHEN h.last_status = l.Status OR meaning(h.last_status) IS NULL THEN h.closed_at END, false, NULL
FROM lead AS l LEFT JOIN statuses AS h ON h.lead_id = sf_id(l.Id)
WHERE l.MasterRecordId IS NULL
    AND NOT EXISTS (SELECT 1 FROM opportunity AS o WHERE sf_id(o.Id) = sf_id(l.ConvertedOpportunityId))
