-- E-mails that came in, what our people wrote, activities that were done; and meetings.
SELECT
    m._table, m._row, CASE WHEN m.model = 'crm.lead' THEN m.res_id END AS lead_id, m.date AS occurred_at,
    CASE WHEN m.mail_activity_type_id IS NOT NULL THEN CASE WHEN a.category = 'phonecall' OR odoo_name(a.name) ILIKE '%call%' THEN 'outbound_call' WHEN a.category = 'meeting' THEN 'meeting' ELSE 'task' END
        WHEN m.message_type = 'email' THEN 'email_reply'
        WHEN m.message_type = 'sms' THEN 'sms_sent'
        WHEN m.message_type IN ('comment', 'email_outgoing') THEN CASE WHEN odoo_true(m.is_internal) THEN 'note' ELSE 'email_sent' END
        ELSE m.message_type END AS kind,
    NULL AS duration_s, 'message-' || m.id AS event_id,
    CASE WHEN coalesce(m.model, '') <> 'crm.lead' THEN 'a message of another model' END AS set_aside,
    CASE WHEN m.model = 'crm.lead' AND m.mail_activity_type_id IS NULL AND m.message_type IN ('notification', 'auto_comment', 'user_notification')
        THEN 'a notification of the system; its changes are read' END AS folded
FROM mail_message AS m LEFT JOIN mail_activity_type AS a ON a.id = m.mail_activity_type_id
UNION ALL
SELECT
    _table, _row, opportunity_id, start, 'meeting', epoch(stop - start), 'event-' || id,
    CASE WHEN opportunity_id IS NULL THEN 'a meeting of no lead' WHEN active IS NOT NULL AND NOT odoo_true(active) THEN 'an archived meeting' END, NULL
FROM calendar_event
