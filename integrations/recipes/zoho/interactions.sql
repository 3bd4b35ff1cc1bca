-- Calls and meetings of leads (What_Id) and of the contacts that they became (Who_Id).
SELECT _table, _row, zoho_id(coalesce(What_Id, Who_Id)) AS lead_id, Call_Start_Time AS occurred_at,
    CASE WHEN Call_Type ILIKE 'inbound%' THEN 'inbound_call' WHEN Call_Type ILIKE 'missed%' THEN 'missed_call' ELSE 'outbound_call' END AS kind,
    try_cast(Call_Duration_in_seconds AS DOUBLE) AS duration_s, 'call-' || zoho_id(id) AS event_id,
    CASE WHEN coalesce(What_Id, Who_Id) IS NULL THEN 'a call of no record'
        WHEN Outgoing_Call_Status IN ('Scheduled', 'Cancelled', 'Overdue') THEN 'a call that did not take place' END AS set_aside
FROM calls
UNION ALL
SELECT _table, _row, zoho_id(coalesce(What_Id, Who_Id)), Start_DateTime, 'meeting', epoch(End_DateTime - Start_DateTime), 'event-' || zoho_id(id),
    CASE WHEN coalesce(What_Id, Who_Id) IS NULL THEN 'a meeting of no record' END
FROM events
