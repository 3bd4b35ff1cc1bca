-- Merged leads (masterid), the contact and the opportunity that a lead became.
SELECT _table, _row, crm_guid(leadid) AS alias_id, crm_guid(masterid) AS lead_id, modifiedon AS since FROM lead WHERE masterid IS NOT NULL
UNION ALL SELECT _table, _row, crm_guid(parentcontactid), crm_guid(leadid), NULL FROM lead WHERE parentcontactid IS NOT NULL AND meaning(statecode) = 'converted'
UNION ALL SELECT _table, _row, crm_guid(qualifyingopportunityid), crm_guid(leadid), NULL FROM lead WHERE qualifyingopportunityid IS NOT NULL
UNION ALL SELECT _table, _row, crm_guid(opportunityid), crm_guid(originatingleadid), createdon FROM opportunity WHERE originatingleadid IS NOT NULL
