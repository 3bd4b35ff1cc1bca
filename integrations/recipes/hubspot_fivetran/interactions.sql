-- Engagements of each contact that took part, marketing e-mail (OPEN, CLICK …; filtered events are machines), and forms.
SELECT
    e._table, e._row, c.contact_id AS lead_id, coalesce(m.start_time, e.timestamp) AS occurred_at,
    CASE upper(e.type) WHEN 'CALL' THEN CASE WHEN upper(property_hs_call_direction) = 'INBOUND' THEN 'inbound_call' ELSE 'outbound_call' END
        WHEN 'INCOMING_EMAIL' THEN 'email_reply'
        WHEN 'EMAIL' THEN CASE WHEN upper(property_hs_email_direction) LIKE 'INCOMING%' THEN 'email_reply' ELSE 'email_sent' END
        ELSE lower(e.type) END AS kind,
    coalesce(try_cast(property_hs_call_duration AS DOUBLE) / 1000, epoch(m.end_time - m.start_time)) AS duration_s,
    'engagement-' || e.id AS event_id,
    CASE WHEN upper(m.meeting_outcome) IN ('CANCELED', 'CANCELLED', 'NO_SHOW') THEN 'a meeting that did not take place'
        WHEN lower(e.active) = 'false' THEN 'deleted in HubSpot' END AS set_aside,
    NULL AS folded
FROM engagement AS e
LEFT JOIN engagement_contact AS c ON c.engagement_id = e.id
LEFT JOIN engagement_meeting AS m ON m.engagement_id = e.id
LEFT JOIN engagement_call AS l ON l.engagement_id = e.id
LEFT JOIN engagement_email AS x ON x.engagement_id = e.id
UNION ALL
SELECT
    v._table, v._row, c.id, v.created,
    CASE upper(v.type) WHEN 'OPEN' THEN 'email_open' WHEN 'CLICK' THEN 'email_click' WHEN 'SENT' THEN 'email_sent' WHEN 'STATUSCHANGE' THEN 'unsubscribe' END,
    NULL, 'email-' || v.id,
    CASE WHEN lower(v.filtered_event) = 'true' THEN 'an event of a machine (filtered_event)' END,
    CASE WHEN upper(v.type) NOT IN ('OPEN', 'CLICK', 'SENT', 'STATUSCHANGE') THEN 'a technical event of an e-mail (' || lower(v.type) || ')' END
FROM email_event AS v LEFT JOIN contact AS c ON lower(c.property_email) = lower(v.recipient)
UNION ALL
SELECT _table, _row, contact_id, timestamp, 'contact_form', NULL, 'form-' || coalesce(conversion_id, form_id || ' ' || timestamp), NULL, NULL
FROM contact_form_submission
