-- One row a lead. A lead that was merged away (IsDeleted, with a MasterRecordId) is an alias of the one that stayed.
SELECT
    _table, _row, sf_id(Id) AS lead_id, CreatedDate AS created_at,
    CASE WHEN lower(IsDeleted) = 'true' AND MasterRecordId IS NULL THEN 'deleted in Salesforce' END AS set_aside,
    * EXCLUDE (_table, _row, Id, CreatedDate)
FROM lead
