-- The contact and deal that a lead became. Zoho keeps no id of a lead that was merged into another.
SELECT _table, _row, zoho_id(Converted_Contact) AS alias_id, zoho_id(id) AS lead_id, Converted_Date_Time AS since FROM leads WHERE Converted_Contact IS NOT NULL
UNION ALL SELECT _table, _row, zoho_id(Converted_Deal), zoho_id(id), Converted_Date_Time FROM leads WHERE Converted_Deal IS NOT NULL
