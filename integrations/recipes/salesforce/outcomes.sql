-- Converted: IsConverted, dated by ConvertedDate (a day); the history's `leadConverted` of that day has the time.
-- Lost: a status that means it, dated by the change that led there; never by LastModifiedDate, which every edit moves.
WITH history AS (
    SELECT sf_id(LeadId) AS lead_id,
        max(CreatedDate) FILTER (Field = 'leadConverted') AS converted_at,
        max(CreatedDate) FILTER (Field = 'Status' AND meaning(OldValue) IS DISTINCT FROM 'lost') AS closed_at,
        arg_max(NewValue, CreatedDate) FILTER (Field = 'Status') AS last_status
    FROM lead_history GROUP BY ALL),
told AS (
    SELECT l._table, l._row, sf_id(l.Id) AS lead_id, l.Status AS word,
        CASE WHEN lower(l.IsConverted) = 'true' THEN 'converted'
            WHEN meaning(l.Status) = 'converted' AND lower(l.IsConverted) = 'false' THEN 'open'
            ELSE meaning(l.Status) END AS outcome,
        l.ConvertedDate, h.converted_at,
        CASE WHEN h.last_status = l.Status OR meaning(h.last_status) IS NULL THEN h.closed_at END AS closed_at
    FROM lead AS l LEFT JOIN history AS h ON h.lead_id = sf_id(l.Id)
    WHERE l.MasterRecordId IS NULL)
SELECT
    _table, _row, lead_id, word, outcome,
    CASE outcome WHEN 'converted' THEN
            CASE WHEN abs(epoch(converted_at - ConvertedDate)) <= 2 * 86400 OR ConvertedDate IS NULL
                THEN converted_at ELSE ConvertedDate END
        WHEN 'lost' THEN closed_at END AS occurred_at,
    outcome = 'converted' AND NOT coalesce(abs(epoch(converted_at - ConvertedDate)) <= 2 * 86400, false) AS day
FROM told
