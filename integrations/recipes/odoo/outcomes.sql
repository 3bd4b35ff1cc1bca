-- Won: won_status (Odoo 18) or a won stage. Lost: won_status, or archived with probability 0. Archived with another
-- probability is neither. Both are dated by date_closed, which Odoo writes then; else by the change that was tracked.
WITH tracked AS (
    SELECT m.res_id,
        max(m.date) FILTER (coalesce(f.name, t.field) = 'active' AND t.new_value_integer = '0') AS archived_at,
        max(m.date) FILTER (coalesce(f.name, t.field) = 'stage_id' AND t.new_value_integer IN (SELECT id FROM crm_stage WHERE odoo_true(is_won))) AS won_at
    FROM mail_tracking_value AS t
    JOIN mail_message AS m ON m.id = t.mail_message_id AND m.model = 'crm.lead'
    LEFT JOIN ir_model_fields AS f ON f.id = coalesce(t.field_id, t.field)
    GROUP BY ALL)
SELECT
    l._table, l._row, l.id AS lead_id,
    coalesce(won_status, CASE WHEN odoo_true(s.is_won) THEN 'won'
        WHEN odoo_true(active) OR active IS NULL THEN 'pending'
        WHEN try_cast(probability AS DOUBLE) = 0 THEN 'lost'
        ELSE 'archived with a probability' END) AS word,
    meaning(word) AS outcome,
    CASE outcome WHEN 'converted' THEN coalesce(date_closed, won_at) WHEN 'lost' THEN coalesce(date_closed, archived_at) END AS occurred_at,
    false AS day
FROM crm_lead AS l LEFT JOIN crm_stage AS s ON s.id = l.stage_id LEFT JOIN tracked AS t ON t.res_id = l.id
