-- Every value a property had, with its moment. Where the file has no column for the property, its name is the file's.
SELECT
    _table, _row, record_id AS lead_id, changed_at,
    CASE regexp_replace(lower(coalesce(property, regexp_extract(_file, '([^/]*?)[-_ ]*(property)?[-_ ]*history[^/]*$', 1))), '[^a-z]', '', 'g')
        WHEN 'leadstatus' THEN 'lead_status' WHEN 'hsleadstatus' THEN 'lead_status'
        WHEN 'lifecyclestage' THEN 'lifecycle_stage'
        ELSE coalesce(property, regexp_extract(_file, '([^/]*?)[-_ ]*(property)?[-_ ]*history[^/]*$', 1)) END AS attribute,
    value AS new_value, false AS has_old
FROM property_history
