-- Activities that are done count from when they were marked so, or else from the day they were due for (planned ones are none).
SELECT
    _table, _row, 'deal-' || deal_id AS lead_id,
    coalesce(marked_as_done_time, moment(due_date || ' ' || coalesce(due_time, '00:00'))) AS occurred_at,
    CASE lower(type) WHEN 'call' THEN 'outbound_call' ELSE lower(type) END AS kind,
    60 * (60 * try_cast(split_part(duration, ':', 1) AS DOUBLE) + try_cast(split_part(duration, ':', 2) AS DOUBLE)) AS duration_s,
    'activity-' || id AS event_id,
    CASE WHEN deal_id IS NULL THEN 'an activity of no deal'
        WHEN lower(active_flag) IN ('false', '0') THEN 'deleted in Pipedrive'
        WHEN lower(done) NOT IN ('true', '1', 'yes', 'done') THEN 'an activity that is not done' END AS set_aside
FROM activities
