-- As for HubSpot's own exports; a deal's stage is dated by the deals' history, stages_timing_deals, or its close date.
WITH entered AS (
    SELECT id, stage, max(moment) AS entered_at FROM (
        SELECT id, stage, hs_date_entered_ AS moment FROM stages_timing_deals
        UNION ALL SELECT object_id, value, timestamp FROM deals_property_history WHERE property_name = 'dealstage')
    GROUP BY ALL),
statuses AS (
    SELECT object_id,
        max(timestamp) FILTER (property_name = 'hs_lead_status' AND meaning(value) = 'lost') AS lost_at,
        min(timestamp) FILTER (property_name = 'lifecyclestage' AND meaning(value) = 'converted') AS converted_at
    FROM contacts_property_history GROUP BY ALL)
SELECT
    d._table, d._row, p.value AS lead_id, d.dealstage AS word,
    CASE WHEN lower(hs_is_closed_won) = 'true' THEN 'converted' WHEN lower(hs_is_closed) = 'true' AND hs_is_closed_won IS NOT NULL THEN 'lost'
        WHEN lower(hs_is_closed) = 'false' THEN 'open' ELSE meaning(d.dealstage) END AS outcome,
    CASE outcome WHEN 'converted' THEN coalesce(hs_closed_won_date, entered_at, closedate) WHEN 'lost' THEN coalesce(entered_at, closedate) END AS occurred_at,
    true AS day, CASE WHEN lower(d.is_deleted) = 'true' THEN 'deleted in HubSpot' END AS set_aside
FROM deals AS d
LEFT JOIN contacts_deals AS p ON p.deals_id = d.id
LEFT JOIN entered AS e ON e.id = d.id AND e.stage = d.dealstage
UNION ALL
SELECT
    _table, _row, c.id,
    CASE WHEN meaning(lifecyclestage) = 'converted' THEN lifecyclestage ELSE coalesce(hs_lead_status, lifecyclestage) END,
    CASE WHEN meaning(lifecyclestage) = 'converted' THEN 'converted' WHEN coalesce(hs_lead_status, lifecyclestage) IS NULL THEN 'open'
        ELSE meaning(coalesce(hs_lead_status, lifecyclestage)) END AS outcome,
    CASE outcome WHEN 'converted' THEN coalesce(hs_lifecyclestage_customer_date, converted_at) WHEN 'lost' THEN lost_at END, true, NULL
FROM contacts AS c LEFT JOIN statuses AS s ON s.object_id = c.id
WHERE coalesce(meaning(lifecyclestage) = 'converted', false) OR c.id NOT IN (SELECT value FROM contacts_deals WHERE value IS NOT NULL AND deals_id IN (SELECT id FROM deals WHERE coalesce(lower(is_deleted), 'false') <> 'true'))
