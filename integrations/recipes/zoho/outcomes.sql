-- Converted: Converted_Date_Time. Lost: a status that means it, dated by the timeline's change to it; never by Modified_Time.
WITH parts AS (
    SELECT zoho_id(record) AS lead_id, audited_time, zoho_fields(field_history) AS part FROM timeline),
statuses AS (
    SELECT lead_id, max(audited_time) AS lost_at FROM parts
    WHERE part.api_name = 'Lead_Status' AND meaning(part._value.new) = 'lost' AND meaning(part._value.old) IS DISTINCT FROM 'lost' GROUP BY ALL)
SELECT l._table, l._row, zoho_id(l.id) AS lead_id, Lead_Status AS word,
    CASE WHEN lower(Converted__s) IN ('true', '1', 'yes') OR Converted_Date_Time IS NOT NULL THEN 'converted'
        WHEN Lead_Status IS NULL THEN 'open' WHEN meaning(Lead_Status) = 'converted' AND lower(Converted__s) IN ('false', '0', 'no') THEN 'open'
        ELSE meaning(Lead_Status) END AS outcome,
    CASE outcome WHEN 'converted' THEN Converted_Date_Time WHEN 'lost' THEN lost_at END AS occurred_at, false AS day
FROM leads AS l LEFT JOIN statuses AS s ON s.lead_id = zoho_id(l.id)
