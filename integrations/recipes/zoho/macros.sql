-- The data backup writes ids as zcrm_4876876000000123; the API without the prefix. A lookup may be JSON: {"id": …, "name": …}.
CREATE MACRO zoho_id(id) AS (
    regexp_replace(CASE WHEN id LIKE '{%' THEN json_extract_string(id, '$.id') ELSE id END, '^zcrm_', ''));
CREATE MACRO zoho_fields(field_history) AS (
    unnest(from_json(coalesce(field_history, '[]'), '[{"api_name": "VARCHAR", "_value": {"old": "VARCHAR", "new": "VARCHAR"}}]')));
