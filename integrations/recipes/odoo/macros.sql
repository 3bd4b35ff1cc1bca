-- A translated name is JSON since Odoo 16: {"en_US": "New", "fr_FR": "Nouveau"}.
CREATE MACRO odoo_name(text) AS (
    CASE WHEN text LIKE '{%' THEN coalesce(json_extract_string(text, '$.en_US'), regexp_extract(text, ':\s*"([^"]*)"', 1)) ELSE text END);
CREATE MACRO odoo_stage(stage) AS (
    coalesce((SELECT any_value(odoo_name(s.name)) FROM crm_stage AS s WHERE s.id = stage), stage));
CREATE MACRO odoo_true(flag) AS (lower(flag) IN ('t', 'true', '1'));
