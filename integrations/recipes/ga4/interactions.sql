-- An event has no id of its own: moment, name and its place in the batch are one. The intraday table repeats the daily one's.
WITH known AS (
    SELECT user_pseudo_id FROM events WHERE user_id IS NOT NULL OR meaning(event_name) = 'created')
SELECT
    _table, _row, coalesce(user_id, user_pseudo_id) AS lead_id, event_timestamp AS occurred_at, event_name AS kind,
    try_cast(event_value_in_usd AS DOUBLE) AS value,
    ga_repeat(event_timestamp, event_name, event_bundle_sequence_id, batch_page_id, batch_ordering_id, batch_event_index) AS event_id,
    CASE WHEN user_id IS NULL AND user_pseudo_id IS NULL THEN 'without consent: no id at all'
        WHEN user_id IS NULL AND user_pseudo_id NOT IN (SELECT user_pseudo_id FROM known WHERE user_pseudo_id IS NOT NULL)
        THEN 'of a visitor who never became a lead (--created)' END AS set_aside
FROM events
