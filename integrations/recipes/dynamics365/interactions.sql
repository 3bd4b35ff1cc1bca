-- Activities that are completed, from their actual end (or start), else from when they were recorded.
SELECT
    a._table, a._row, crm_guid(regardingobjectid) AS lead_id, coalesce(actualend, actualstart, a.createdon) AS occurred_at,
    CASE lower(activitytypecode)
        WHEN 'phonecall' THEN CASE WHEN lower(coalesce(d.directioncode, a.directioncode)) IN ('false', '0', 'incoming') THEN 'inbound_call' ELSE 'outbound_call' END
        WHEN '4210' THEN CASE WHEN lower(coalesce(d.directioncode, a.directioncode)) IN ('false', '0', 'incoming') THEN 'inbound_call' ELSE 'outbound_call' END
        WHEN 'email' THEN CASE WHEN lower(coalesce(d.directioncode, a.directioncode)) IN ('false', '0', 'incoming') THEN 'email_reply' ELSE 'email_sent' END
        WHEN '4202' THEN CASE WHEN lower(coalesce(d.directioncode, a.directioncode)) IN ('false', '0', 'incoming') THEN 'email_reply' ELSE 'email_sent' END
        WHEN 'appointment' THEN 'meeting' WHEN '4201' THEN 'meeting' WHEN '4212' THEN 'task' ELSE lower(activitytypecode) END AS kind,
    60 * try_cast(actualdurationminutes AS DOUBLE) AS duration_s, crm_guid(a.activityid) AS event_id,
    CASE WHEN regardingobjectid IS NULL THEN 'an activity of no record'
        WHEN lower(statecode) IN ('2', 'canceled', 'cancelled') THEN 'an activity that was cancelled'
        WHEN lower(statecode) NOT IN ('1', 'completed') THEN 'an activity that is not done' END AS set_aside
FROM activitypointer AS a LEFT JOIN directions AS d ON crm_guid(d.activityid) = crm_guid(a.activityid)
