-- mail.tracking.value hangs on the message that announced the change. Odoo 17 names the field by id, 14 to 16 too (in
-- `field`), 13 by its name. A many2one keeps id and name (the id is taken, for names change), no value is 0 or ''.
-- Where leads are merged, Odoo moves the messages and calls them "From X : …": those are another lead's changes.
WITH told AS (
    SELECT t._table, t._row, t.id, m.model, m.res_id, m.date, m.subject,
        coalesce(f.name, CASE WHEN t.field SIMILAR TO '[a-z_]+' THEN t.field END, t.field_desc, 'field ' || coalesce(t.field_id, t.field)) AS name,
        f.ttype, t.* EXCLUDE (_table, _row, id, _file)
    FROM mail_tracking_value AS t
    LEFT JOIN mail_message AS m ON m.id = t.mail_message_id
    LEFT JOIN ir_model_fields AS f ON f.id = coalesce(t.field_id, t.field))
SELECT
    _table, _row, CASE WHEN model = 'crm.lead' THEN res_id END AS lead_id, date AS changed_at, name AS attribute,
    CASE WHEN name = 'stage_id' THEN odoo_stage(nullif(old_value_integer, '0')) WHEN coalesce(ttype = 'many2one', name LIKE '%\_id' ESCAPE '\') THEN nullif(old_value_integer, '0')
        WHEN name = 'type' THEN lower(old_value_char)
        ELSE coalesce(old_value_char, old_value_text, old_value_float, old_value_monetary, old_value_datetime, old_value_integer) END AS old_value,
    CASE WHEN name = 'stage_id' THEN odoo_stage(nullif(new_value_integer, '0')) WHEN coalesce(ttype = 'many2one', name LIKE '%\_id' ESCAPE '\') THEN nullif(new_value_integer, '0')
        WHEN name = 'type' THEN lower(new_value_char)
        ELSE coalesce(new_value_char, new_value_text, new_value_float, new_value_monetary, new_value_datetime, new_value_integer) END AS new_value,
    true AS has_old, lpad(id, 12, '0') AS position,
    CASE WHEN model IS NULL THEN 'its message is not in the export' WHEN model <> 'crm.lead' THEN 'of a record of another model'
        WHEN subject SIMILAR TO 'From .* : .*' THEN 'a change of a lead that was merged into this one' END AS set_aside
FROM told
