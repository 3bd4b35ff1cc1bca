-- dlt appends the history at every load: a version that came before is the same row again.
SELECT
    _table, _row, object_id AS lead_id, timestamp AS changed_at, property_name AS attribute, value AS new_value, false AS has_old,
    CASE WHEN row_number() OVER (PARTITION BY object_id, property_name, timestamp, value ORDER BY _row) > 1 THEN 'loaded again by dlt' END AS folded
FROM contacts_property_history
