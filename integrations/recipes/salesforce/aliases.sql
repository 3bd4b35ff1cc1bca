-- Merged leads, and the contact and opportunity that a lead became. An account is nobody's alias: it has several leads.
SELECT _table, _row, sf_id(Id) AS alias_id, sf_id(MasterRecordId) AS lead_id, SystemModstamp AS since
FROM lead WHERE MasterRecordId IS NOT NULL
UNION ALL
SELECT _table, _row, sf_id(ConvertedContactId), sf_id(Id), ConvertedDate
FROM lead WHERE ConvertedContactId IS NOT NULL
UNION ALL
SELECT _table, _row, sf_id(ConvertedOpportunityId), sf_id(Id), ConvertedDate
FROM lead WHERE ConvertedOpportunityId IS NOT NULL
