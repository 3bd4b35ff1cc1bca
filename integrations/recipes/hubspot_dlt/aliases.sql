SELECT m._table, m._row, m.value AS alias_id, c.id AS lead_id, NULL AS since
FROM merged_ids AS m JOIN contacts AS c ON c._dlt_id = m._dlt_parent_id
UNION ALL
SELECT _table, _row, split_part(part, ':', 1), id, make_timestamp(1000 * try_cast(split_part(part, ':', 2) AS BIGINT))
FROM (SELECT *, unnest(string_split_regex(hs_calculated_merged_vids, '[;,] ?')) AS part FROM contacts WHERE hs_calculated_merged_vids IS NOT NULL)
