-- Deals decide: won by `Closed Won Date`, lost by the day the deal entered its lost stage, else by the close date that
-- HubSpot sets when a deal is closed. A contact that became a customer is converted on that day. A contact without a deal
-- is what its lead status says, dated by the history of that property.
WITH pairs AS (
    SELECT deal_id, trim(unnest(string_split_regex(contact_ids, '[;,] ?'))) AS contact FROM deals WHERE contact_ids IS NOT NULL
    UNION
    SELECT trim(unnest(string_split_regex(deal_ids, '[;,] ?'))), record_id FROM contacts WHERE deal_ids IS NOT NULL),
statuses AS (
    SELECT record_id,
        max(changed_at) FILTER (name LIKE '%leadstatus' AND meaning(value) = 'lost') AS lost_at,
        min(changed_at) FILTER (name = 'lifecyclestage' AND meaning(value) = 'converted') AS converted_at
    FROM (SELECT *, regexp_replace(lower(coalesce(property, _file)), '[^a-z]', '', 'g') AS name FROM property_history)
    GROUP BY ALL)
SELECT
    _table, _row, trim(contact) AS lead_id, stage AS word,
    CASE WHEN lower(is_won) IN ('true', 'yes', '1') THEN 'converted'
        WHEN lower(is_closed) IN ('true', 'yes', '1') AND is_won IS NOT NULL THEN 'lost'
        WHEN lower(is_closed) IN ('false', 'no', '0') THEN 'open'
        ELSE meaning(regexp_replace(stage, ' \(.*\)$', '')) END AS outcome,
    CASE outcome WHEN 'converted' THEN coalesce(won_at, close_date) WHEN 'lost' THEN coalesce(lost_at, close_date) END AS occurred_at,
    true AS day
FROM deals LEFT JOIN pairs USING (deal_id)
UNION ALL
SELECT
    _table, _row, c.record_id,
    CASE WHEN meaning(lifecycle_stage) = 'converted' THEN lifecycle_stage ELSE coalesce(lead_status, lifecycle_stage) END,
    CASE WHEN meaning(lifecycle_stage) = 'converted' THEN 'converted' WHEN coalesce(lead_status, lifecycle_stage) IS NULL THEN 'open'
        ELSE meaning(coalesce(lead_status, lifecycle_stage)) END AS outcome,
    CASE outcome WHEN 'converted' THEN coalesce(became_customer, converted_at) WHEN 'lost' THEN lost_at END,
    true
FROM contacts AS c LEFT JOIN statuses AS s ON s.record_id = c.record_id
WHERE coalesce(meaning(lifecycle_stage) = 'converted', false) OR c.record_id NOT IN (SELECT trim(contact) FROM pairs WHERE contact IS NOT NULL AND deal_id IN (SELECT deal_id FROM deals))
