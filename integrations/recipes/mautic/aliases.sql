SELECT _table, _row, merged_id AS alias_id, contact_id AS lead_id, date_added AS since FROM merge_records
