-- changedata of an audit row: {"changedAttributes": [{"logicalName": "need", "oldValue": "1", "newValue": "2"}, …]}.
-- A lookup's value is "table,id". GUIDs come with and without braces, in any case.
CREATE MACRO crm_guid(id) AS (lower(trim(id, '{}')));
CREATE MACRO crm_value(text) AS (nullif(regexp_replace(text, '^[a-z_0-9]+,([0-9a-fA-F{}-]{36,38})$', '\1'), ''));
CREATE MACRO crm_parts(changedata) AS (
    unnest(from_json(coalesce(json_extract(try_cast(changedata AS JSON), '$.changedAttributes'), '[]'), '[{"logicalName": "VARCHAR", "oldValue": "VARCHAR", "newValue": "VARCHAR"}]')));
