-- A visitor is a lead from the first event that makes it one (--created), or that carries a user_id.
WITH owners AS (
    SELECT user_pseudo_id, arg_min(user_id, event_timestamp) AS owner FROM events WHERE user_id IS NOT NULL AND user_pseudo_id IS NOT NULL GROUP BY ALL),
owned AS (
    SELECT e.*, coalesce(e.user_id, o.owner, e.user_pseudo_id) AS lead FROM events AS e LEFT JOIN owners AS o USING (user_pseudo_id)),
first AS (
    SELECT lead, json_extract_string(traffic_source, '$.source') AS first_source, json_extract_string(traffic_source, '$.medium') AS first_medium,
        json_extract_string(traffic_source, '$.name') AS first_campaign, json_extract_string(geo, '$.country') AS first_country,
        json_extract_string(device, '$.category') AS first_device, json_extract_string(device, '$.language') AS first_language, platform
    FROM owned QUALIFY row_number() OVER (PARTITION BY lead ORDER BY event_timestamp, _row) = 1)
SELECT o._table, o._row, o.lead AS lead_id, o.event_timestamp AS created_at, f.* EXCLUDE (lead)
FROM owned AS o JOIN first AS f USING (lead)
WHERE o.user_id IS NOT NULL OR meaning(o.event_name) = 'created'
QUALIFY row_number() OVER (PARTITION BY o.lead ORDER BY o.event_timestamp, o._row) = 1
