-- Fivetran writes HubSpot's property `industry` as the column `property_industry`; the attribute keeps HubSpot's name.
SELECT
    _table, _row, id AS lead_id, property_createdate AS created_at,
    CASE WHEN lower(_fivetran_deleted) = 'true' THEN 'deleted in HubSpot' END AS set_aside,
    COLUMNS('^property_(.*)') AS '\1', _fivetran_synced
FROM contact
