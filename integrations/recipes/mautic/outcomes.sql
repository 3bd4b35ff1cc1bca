-- The contact's stage, by its name, dated by the log's last entry into it.
WITH entered AS (SELECT lead_id, stage_id, max(date_added) AS moment FROM stages_change_log GROUP BY ALL)
SELECT l._table, l._row, l.id AS lead_id, mautic_stage(l.stage_id) AS word,
    CASE WHEN l.stage_id IS NULL THEN 'open' ELSE meaning(mautic_stage(l.stage_id)) END AS outcome,
    CASE WHEN meaning(mautic_stage(l.stage_id)) IN ('converted', 'lost') THEN e.moment END AS occurred_at, false AS day
FROM leads AS l LEFT JOIN entered AS e ON e.lead_id = l.id AND e.stage_id = l.stage_id
