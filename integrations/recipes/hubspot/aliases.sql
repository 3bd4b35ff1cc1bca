-- Contacts merged into another: `123:1661707291575;456:…` (id and moment), or ids alone. A deal belongs to its contact.
SELECT _table, _row, split_part(part, ':', 1) AS alias_id, record_id AS lead_id,
    make_timestamp(1000 * try_cast(split_part(part, ':', 2) AS BIGINT)) AS since
FROM (SELECT *, unnest(string_split_regex(merged, '[;,] ?')) AS part FROM contacts WHERE merged IS NOT NULL)
UNION ALL
SELECT _table, _row, trim(part), record_id, NULL
FROM (SELECT *, unnest(string_split_regex(merged_ids, '[;,] ?')) AS part FROM contacts WHERE merged_ids IS NOT NULL)
