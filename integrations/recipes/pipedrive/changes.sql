-- The changelog (`time`) or the flow (`log_time`) of each deal: old and new value. A new deal's first values come as changes from nothing.
SELECT
    _table, _row, 'deal-' || deal_id AS lead_id, time AS changed_at, field_key AS attribute, old_value, new_value, true AS has_old, lpad(id, 15, '0') AS position,
    CASE WHEN field_key IN ('add_time', 'update_time', 'stage_change_time') THEN 'a mark of the system, no field' END AS folded
FROM changelog
