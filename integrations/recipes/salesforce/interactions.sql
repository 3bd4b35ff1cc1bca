-- Tasks that are done, and events. WhoId is a lead (00Q…) or the contact that it became (003…), WhatId an opportunity.
-- A task counts from CompletedDateTime, or from when it was logged; ActivityDate is the day on which it is due.
SELECT
    _table, _row, sf_id(coalesce(WhoId, WhatId)) AS lead_id,
    coalesce(CompletedDateTime, CreatedDate) AS occurred_at,
    CASE WHEN TaskSubtype = 'Call' OR Type = 'Call'
            THEN CASE WHEN CallType = 'Inbound' THEN 'inbound_call' ELSE 'outbound_call' END
        WHEN TaskSubtype IN ('Email', 'ListEmail') OR Type = 'Email' THEN 'email_sent'
        WHEN Type = 'Meeting' THEN 'meeting'
        ELSE 'task' END AS kind,
    try_cast(CallDurationInSeconds AS DOUBLE) AS duration_s, sf_id(Id) AS event_id,
    CASE WHEN lower(IsDeleted) = 'true' THEN 'deleted in Salesforce'
        WHEN lower(coalesce(IsClosed, CASE WHEN Status = 'Completed' THEN 'true' END, 'false')) <> 'true'
        THEN 'a task that is not done' END AS set_aside,
    NULL AS folded
FROM task
UNION ALL
SELECT
    _table, _row, sf_id(coalesce(WhoId, WhatId)), StartDateTime,
    CASE WHEN Type = 'Call' THEN 'outbound_call' ELSE 'meeting' END,
    coalesce(60 * try_cast(DurationInMinutes AS DOUBLE), epoch(EndDateTime - StartDateTime)), sf_id(Id),
    CASE WHEN lower(IsDeleted) = 'true' THEN 'deleted in Salesforce'
        WHEN lower(IsRecurrence) = 'true' THEN 'the pattern of a series, no meeting' END,
    CASE WHEN lower(IsChild) = 'true' THEN 'an invitee''s copy of a meeting' END
FROM event
