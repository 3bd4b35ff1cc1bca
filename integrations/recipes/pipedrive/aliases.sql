SELECT _table, _row, id AS alias_id, 'deal-' || id AS lead_id, NULL AS since FROM deals
