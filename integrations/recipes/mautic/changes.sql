-- The audit log has old and new value of each field; points and stages have logs of their own.
WITH audited AS (
    SELECT _table, _row, id, object_id, date_added, unnest(php_pairs(details)) AS pair FROM audit_log WHERE bundle = 'lead' AND object = 'lead')
SELECT _table, _row, object_id AS lead_id, date_added AS changed_at, php_name(pair) AS attribute, php_old(pair) AS old_value, php_new(pair) AS new_value, true AS has_old, lpad(id, 15, '0') AS position, NULL AS set_aside,
    CASE WHEN php_name(pair) IN ('points', 'stage', 'owner') THEN 'it has a log of its own' END AS folded
FROM audited
UNION ALL
SELECT _table, _row, object_id, date_added, NULL, NULL, NULL, true, id, CASE WHEN bundle = 'lead' AND object = 'lead' THEN 'an entry without changed fields' ELSE 'of another object' END, NULL
FROM audit_log WHERE _row NOT IN (SELECT _row FROM audited)
UNION ALL
SELECT _table, _row, lead_id, date_added, 'points', NULL, CAST(sum(try_cast(delta AS BIGINT)) OVER (PARTITION BY lead_id ORDER BY date_added, try_cast(id AS BIGINT)) AS VARCHAR), false, lpad(id, 15, '0'), NULL, NULL
FROM points_change_log
UNION ALL
SELECT _table, _row, lead_id, date_added, 'stage_id', NULL, mautic_stage(stage_id), false, lpad(id, 15, '0'), NULL, NULL
FROM stages_change_log
