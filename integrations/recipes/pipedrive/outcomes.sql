-- won_time and lost_time, never update_time. A deal that was reopened is open; one won again has the newer time.
SELECT _table, _row, 'deal-' || id AS lead_id, status AS word, meaning(status) AS outcome,
    CASE meaning(status) WHEN 'converted' THEN coalesce(won_time, close_time) WHEN 'lost' THEN coalesce(lost_time, close_time) END AS occurred_at, false AS day
FROM deals WHERE lower(status) <> 'deleted'
