SELECT
    _table, _row, id AS lead_id, createdate AS created_at,
    CASE WHEN lower(is_deleted) = 'true' THEN 'deleted in HubSpot' END AS set_aside,
    * EXCLUDE (_table, _row, id, createdate)
FROM contacts
