-- An event that means it (--converted, --lost). An open lead has none: no event is neither.
SELECT _table, _row, coalesce(user_id, anonymous_id) AS lead_id, coalesce(event_text, event) AS word,
    coalesce(meaning(event), meaning(event_text)) AS outcome, timestamp AS occurred_at, false AS day
FROM tracks WHERE coalesce(meaning(event), meaning(event_text)) IN ('converted', 'lost')
