-- Field history: old and new value. A lookup's change comes twice, with ids and with names; the ids stay.
-- `created`, `leadConverted`, `leadMerged`, `ownerAccepted` … are marks of the system and no fields.
WITH told AS (
    SELECT *, bool_or(sf_is_id(coalesce(NewValue, OldValue)))
            OVER (PARTITION BY sf_id(LeadId), Field, CreatedDate) AS has_ids,
        count(*) OVER (PARTITION BY sf_id(LeadId), Field, CreatedDate) AS times
    FROM lead_history)
SELECT
    _table, _row, sf_id(LeadId) AS lead_id, CreatedDate AS changed_at,
    CASE WHEN Field = 'Owner' THEN 'OwnerId' ELSE Field END AS attribute,
    OldValue AS old_value, NewValue AS new_value, true AS has_old, Id AS position,
    CASE WHEN lower(IsDeleted) = 'true' THEN 'deleted in Salesforce' END AS set_aside,
    CASE WHEN Field SIMILAR TO '[a-z].*' AND Field NOT LIKE '%\_\_c' ESCAPE '\' THEN 'a mark of the system, no field'
        WHEN times > 1 AND has_ids AND NOT sf_is_id(coalesce(NewValue, OldValue))
        THEN 'the same change again, by name' END AS folded
FROM told
UNION ALL
-- What an opportunity went through belongs to its lead, under names of its own; it counts where winning is the goal.
SELECT
    _table, _row, sf_id(OpportunityId), CreatedDate, 'Opportunity ' || Field, OldValue, NewValue, true, Id,
    CASE WHEN lower(IsDeleted) = 'true' THEN 'deleted in Salesforce' END,
    CASE WHEN Field SIMILAR TO '[a-z].*' AND Field NOT LIKE '%\_\_c' ESCAPE '\' THEN 'a mark of the system, no field' END
FROM opportunity_field_history WHERE goal() = 'won'
