-- A lead is a deal. The Leads Inbox is another list: Pipedrive archives a lead when it becomes a deal and keeps no link between them.
SELECT _table, _row, 'deal-' || id AS lead_id, add_time AS created_at,
    CASE WHEN lower(is_deleted) IN ('true', '1') OR lower(status) = 'deleted' THEN 'deleted in Pipedrive (a deal merged into another is deleted too)' END AS set_aside,
    * EXCLUDE (_table, _row, id, add_time)
FROM deals
UNION ALL BY NAME
SELECT _table, _row, 'inbox-' || id AS lead_id, add_time AS created_at,
    'a lead of the Leads Inbox: Pipedrive keeps no link to the deal that it became' AS set_aside
FROM leads_inbox
