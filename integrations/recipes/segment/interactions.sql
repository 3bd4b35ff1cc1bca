-- Calls of a known user, or of a visitor who was known later; `timestamp` is corrected for wrong clocks.
WITH known AS (
    SELECT anonymous_id FROM identifies WHERE user_id IS NOT NULL UNION SELECT anonymous_id FROM tracks WHERE user_id IS NOT NULL
    UNION SELECT anonymous_id FROM pages WHERE user_id IS NOT NULL UNION SELECT anonymous_id FROM screens WHERE user_id IS NOT NULL
    UNION SELECT previous_id FROM aliases),
calls AS (
    SELECT _table, _row, id, user_id, anonymous_id, timestamp, lower(coalesce(event, event_text)) AS kind FROM tracks
    UNION ALL SELECT _table, _row, id, user_id, anonymous_id, timestamp, 'page_view' FROM pages
    UNION ALL SELECT _table, _row, id, user_id, anonymous_id, timestamp, 'screen_view' FROM screens
    UNION ALL SELECT _table, _row, id, user_id, anonymous_id, timestamp, 'identify' FROM identifies)
SELECT
    _table, _row, coalesce(user_id, anonymous_id) AS lead_id, timestamp AS occurred_at, kind, id AS event_id,
    CASE WHEN user_id IS NULL AND anonymous_id NOT IN (SELECT anonymous_id FROM known WHERE anonymous_id IS NOT NULL)
        THEN 'of a visitor who was never identified' END AS set_aside
FROM calls WHERE kind <> 'identify' OR user_id IS NULL
