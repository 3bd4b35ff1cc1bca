-- Deals decide (see the recipe for HubSpot's own exports). A stage is won or lost by deal_pipeline_stage, not by its label,
-- which may be renamed; a deal is closed on the day it entered its stage, else on its close date.
WITH stages AS (
    SELECT stage_id, any_value(label) AS label, bool_or(lower(closed_won) = 'true') AS won, max(try_cast(probability AS DOUBLE)) AS probability
    FROM deal_pipeline_stage GROUP BY ALL),
entered AS (SELECT deal_id, value, max(date_entered) AS entered_at FROM deal_stage GROUP BY ALL),
statuses AS (
    SELECT contact_id,
        max(timestamp) FILTER (name = 'hs_lead_status' AND meaning(value) = 'lost') AS lost_at,
        min(timestamp) FILTER (name = 'lifecyclestage' AND meaning(value) = 'converted') AS converted_at
    FROM contact_property_history GROUP BY ALL)
SELECT
    d._table, d._row, p.contact_id AS lead_id, coalesce(s.label, d.deal_pipeline_stage_id) AS word,
    CASE WHEN lower(property_hs_is_closed_won) = 'true' OR s.won THEN 'converted'
        WHEN lower(property_hs_is_closed) = 'true' AND property_hs_is_closed_won IS NOT NULL THEN 'lost'
        WHEN s.probability = 0 THEN 'lost' WHEN s.probability BETWEEN 0.000001 AND 0.999999 THEN 'open'
        ELSE coalesce(meaning(d.deal_pipeline_stage_id), meaning(s.label)) END AS outcome,
    CASE outcome WHEN 'converted' THEN coalesce(property_hs_closed_won_date, entered_at, property_closedate)
        WHEN 'lost' THEN coalesce(entered_at, property_closedate) END AS occurred_at,
    true AS day, CASE WHEN lower(d.is_deleted) = 'true' THEN 'deleted in HubSpot' END AS set_aside
FROM deal AS d
LEFT JOIN deal_contact AS p USING (deal_id)
LEFT JOIN stages AS s ON s.stage_id = d.deal_pipeline_stage_id
LEFT JOIN entered AS e ON e.deal_id = d.deal_id AND e.value = d.deal_pipeline_stage_id
UNION ALL
SELECT
    _table, _row, c.id,
    CASE WHEN meaning(property_lifecyclestage) = 'converted' THEN property_lifecyclestage ELSE coalesce(property_hs_lead_status, property_lifecyclestage) END,
    CASE WHEN meaning(property_lifecyclestage) = 'converted' THEN 'converted'
        WHEN coalesce(property_hs_lead_status, property_lifecyclestage) IS NULL THEN 'open'
        ELSE meaning(coalesce(property_hs_lead_status, property_lifecyclestage)) END AS outcome,
    CASE outcome WHEN 'converted' THEN coalesce(property_hs_lifecyclestage_customer_date, converted_at) WHEN 'lost' THEN lost_at END,
    true, NULL
FROM contact AS c LEFT JOIN statuses AS s ON s.contact_id = c.id
WHERE coalesce(meaning(property_lifecyclestage) = 'converted', false)
    OR c.id NOT IN (SELECT p.contact_id FROM deal_contact AS p JOIN deal AS d USING (deal_id) WHERE p.contact_id IS NOT NULL AND coalesce(lower(d.is_deleted), 'false') <> 'true')
