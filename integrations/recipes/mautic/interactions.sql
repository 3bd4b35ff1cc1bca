SELECT _table, _row, lead_id, date_hit AS occurred_at, 'page_view' AS kind, epoch(date_left - date_hit) AS duration_s, 'hit-' || id AS event_id,
    CASE WHEN lead_id IS NULL THEN 'of no contact' WHEN code NOT IN ('200', '302', '301') THEN 'a page that was not found' END AS set_aside
FROM page_hits
UNION ALL
SELECT _table, _row, lead_id, date_sent, 'email_sent', NULL, 'sent-' || id, CASE WHEN lead_id IS NULL THEN 'of no contact' WHEN lower(is_failed) IN ('1', 'true', 't') THEN 'an e-mail that failed' END FROM email_stats
UNION ALL
SELECT _table, _row, lead_id, date_read, 'email_open', NULL, 'read-' || id, CASE WHEN lead_id IS NULL THEN 'of no contact' END FROM email_stats WHERE lower(is_read) IN ('1', 'true', 't') AND date_read IS NOT NULL
UNION ALL
SELECT _table, _row, lead_id, date_submitted, 'contact_form', NULL, 'form-' || id, CASE WHEN lead_id IS NULL THEN 'of no contact' END FROM form_submissions
UNION ALL
SELECT _table, _row, lead_id, date_download, 'content_download', NULL, 'asset-' || id, CASE WHEN lead_id IS NULL THEN 'of no contact' END FROM asset_downloads
UNION ALL
-- reason 1: the person unsubscribed, 2: a bounce, 3: somebody did it for them
SELECT _table, _row, lead_id, date_added, CASE reason WHEN '1' THEN 'unsubscribe' WHEN '2' THEN 'email_bounce' ELSE 'do_not_contact' END, NULL, 'dnc-' || id, NULL FROM donotcontact
