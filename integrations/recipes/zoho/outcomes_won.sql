-- The goal `won`: the deal's stage, dated by the timeline's change of it, else by its closing date. Converted without a deal is open.
WITH parts AS (
    SELECT zoho_id(record) AS record_id, audited_time, zoho_fields(field_history) AS part FROM timeline),
changed AS (
    SELECT record_id, part.api_name AS field, max(audited_time) AS moment FROM parts WHERE meaning(part._value.new) IN ('converted', 'lost') GROUP BY ALL)
SELECT d._table, d._row, zoho_id(d.id) AS lead_id, Stage AS word, meaning(Stage) AS outcome, coalesce(c.moment, Closing_Date) AS occurred_at, c.moment IS NULL AS day
FROM deals AS d LEFT JOIN changed AS c ON c.record_id = zoho_id(d.id) AND c.field = 'Stage'
UNION ALL
SELECT l._table, l._row, zoho_id(l.id), Lead_Status,
    CASE WHEN lower(Converted__s) IN ('true', '1', 'yes') OR Converted_Date_Time IS NOT NULL OR Lead_Status IS NULL THEN 'open' ELSE meaning(Lead_Status) END,
    c.moment, false
FROM leads AS l LEFT JOIN changed AS c ON c.record_id = zoho_id(l.id) AND c.field = 'Lead_Status'
WHERE NOT EXISTS (SELECT 1 FROM deals AS d WHERE zoho_id(d.id) = zoho_id(l.Converted_Deal))
