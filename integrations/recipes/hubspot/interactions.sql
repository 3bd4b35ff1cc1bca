-- Calls, meetings, e-mails, notes and tasks; one row for each contact that took part.
SELECT
    _table, _row, trim(contact) AS lead_id,
    CASE WHEN kind = 'meeting' THEN coalesce(meeting_start, happened_at) ELSE happened_at END AS occurred_at,
    CASE kind WHEN 'call' THEN CASE WHEN upper(call_direction) = 'INBOUND' THEN 'inbound_call' ELSE 'outbound_call' END
        WHEN 'email' THEN CASE WHEN upper(email_direction) LIKE 'INCOMING%' THEN 'email_reply' ELSE 'email_sent' END
        ELSE kind END AS kind,
    coalesce(try_cast(call_duration_ms AS DOUBLE) / 1000, epoch(meeting_end - meeting_start)) AS duration_s,
    activity_id AS event_id,
    CASE WHEN upper(meeting_outcome) IN ('CANCELED', 'CANCELLED', 'NO_SHOW', 'NO SHOW') THEN 'a meeting that did not take place' END AS set_aside
FROM (
    SELECT *, unnest(CASE WHEN contact_ids IS NULL THEN [NULL] ELSE string_split_regex(contact_ids, '[;,] ?') END) AS contact,
        CASE WHEN call_direction IS NOT NULL OR call_duration_ms IS NOT NULL OR _file ILIKE '%call%' OR type ILIKE 'call' THEN 'call'
            WHEN meeting_start IS NOT NULL OR _file ILIKE '%meeting%' OR type ILIKE 'meeting' THEN 'meeting'
            WHEN email_direction IS NOT NULL OR _file ILIKE '%email%' OR type ILIKE '%email%' THEN 'email'
            WHEN _file ILIKE '%note%' OR type ILIKE 'note' THEN 'note'
            ELSE 'task' END AS kind
    FROM activities)
