-- The anonymous visitor before it was known: every call that carries both ids says so; and `alias` calls.
SELECT _table, _row, anonymous_id AS alias_id, user_id AS lead_id, timestamp AS since FROM identifies WHERE anonymous_id IS NOT NULL AND user_id IS NOT NULL
UNION ALL SELECT _table, _row, anonymous_id, user_id, timestamp FROM tracks WHERE anonymous_id IS NOT NULL AND user_id IS NOT NULL
UNION ALL SELECT _table, _row, anonymous_id, user_id, timestamp FROM pages WHERE anonymous_id IS NOT NULL AND user_id IS NOT NULL
UNION ALL SELECT _table, _row, anonymous_id, user_id, timestamp FROM screens WHERE anonymous_id IS NOT NULL AND user_id IS NOT NULL
UNION ALL SELECT _table, _row, previous_id, user_id, timestamp FROM aliases WHERE previous_id IS NOT NULL AND user_id IS NOT NULL
