-- A lead is a user_id, known from the first call that carries it. Its traits are in `changes`: every identify call has them.
WITH seen AS (
    SELECT _table, _row, user_id, timestamp FROM identifies
    UNION ALL SELECT _table, _row, user_id, timestamp FROM tracks
    UNION ALL SELECT _table, _row, user_id, timestamp FROM pages
    UNION ALL SELECT _table, _row, user_id, timestamp FROM screens)
SELECT _table, _row, user_id AS lead_id, timestamp AS created_at
FROM seen WHERE user_id IS NOT NULL AND timestamp IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY timestamp, _table, _row) = 1
