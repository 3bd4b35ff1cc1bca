SELECT _table, _row, vid_to_merge AS alias_id, coalesce(canonical_vid, contact_id) AS lead_id, timestamp AS since FROM contact_merge_audit
UNION ALL
SELECT _table, _row, split_part(part, ':', 1), id, make_timestamp(1000 * try_cast(split_part(part, ':', 2) AS BIGINT))
FROM (SELECT *, unnest(string_split_regex(property_hs_calculated_merged_vids, '[;,] ?')) AS part FROM contact
    WHERE property_hs_calculated_merged_vids IS NOT NULL)
