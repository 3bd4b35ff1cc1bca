-- The goal `opportunity`: a lead counts as converted when it becomes an opportunity. One created as an opportunity never was a lead.
SELECT
    l._table, l._row, l.id AS lead_id, l.type AS word,
    CASE WHEN date_conversion IS NOT NULL THEN 'converted'
        WHEN type = 'lead' AND (odoo_true(active) OR active IS NULL) THEN 'open'
        WHEN type = 'lead' AND try_cast(probability AS DOUBLE) = 0 THEN 'lost' END AS outcome,
    CASE outcome WHEN 'converted' THEN date_conversion WHEN 'lost' THEN date_closed END AS occurred_at, false AS day,
    CASE WHEN type = 'opportunity' AND date_conversion IS NULL THEN 'created as an opportunity, never a lead' END AS set_aside
FROM crm_lead AS l
