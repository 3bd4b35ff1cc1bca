-- `leads` holds visitors too: a contact is a lead from date_identified on; before, it is an anonymous visitor with its hits.
SELECT _table, _row, id AS lead_id, coalesce(date_identified, date_added) AS created_at,
    CASE WHEN date_identified IS NULL AND email IS NULL THEN 'a visitor who was never identified' END AS set_aside,
    * EXCLUDE (_table, _row, id) REPLACE (mautic_stage(stage_id) AS stage_id)
FROM leads
