-- derived_tstamp is corrected for wrong clocks. A structured event is called by its action.
SELECT
    _table, _row, coalesce(user_id, domain_userid) AS lead_id, coalesce(derived_tstamp, collector_tstamp) AS occurred_at,
    CASE WHEN event = 'struct' OR event_name = 'event' THEN lower(coalesce(se_action, se_category, 'event')) ELSE lower(event_name) END AS kind,
    coalesce(try_cast(se_value AS DOUBLE), try_cast(tr_total AS DOUBLE)) AS value, event_id,
    CASE WHEN br_type ILIKE '%robot%' THEN 'of a robot (br_type)'
        WHEN user_id IS NULL AND (domain_userid IS NULL OR domain_userid NOT IN (SELECT domain_userid FROM events WHERE user_id IS NOT NULL AND domain_userid IS NOT NULL))
        THEN 'of a visitor who was never identified' END AS set_aside
FROM events
