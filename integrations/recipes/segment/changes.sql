-- Traits of identify calls: a value with its moment. A trait that a call does not carry says nothing; the same value again neither.
WITH traits AS (
    UNPIVOT (
        SELECT _table, _row, coalesce(user_id, anonymous_id) AS lead_id, timestamp AS changed_at, NULL::VARCHAR AS "no trait",
            * EXCLUDE (_table, _row, _file, id, user_id, anonymous_id, received_at, timestamp, sent_at, original_timestamp, uuid_ts)
        FROM identifies)
    ON COLUMNS(lambda c: c NOT IN ('_table', '_row', 'lead_id', 'changed_at') AND c NOT LIKE 'context\_%' ESCAPE '\' AND c NOT IN ('uuid', 'loaded_at', 'channel'))
    INTO NAME attribute VALUE new_value)
SELECT *, false AS has_old,
    CASE WHEN new_value = lag(new_value) OVER (PARTITION BY lead_id, attribute ORDER BY changed_at, _row) THEN 'the same value again' END AS folded
FROM traits
