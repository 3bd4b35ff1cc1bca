-- A lead is a user_id, known from the first event that carries it. Where it came from is what its first event says, which
-- may lie before: the visitor (domain_userid) was there before anybody knew who it was.
WITH owners AS (
    SELECT domain_userid, arg_min(user_id, coalesce(derived_tstamp, collector_tstamp)) AS user_id
    FROM events WHERE user_id IS NOT NULL AND domain_userid IS NOT NULL GROUP BY ALL),
owned AS (
    SELECT e.*, coalesce(e.user_id, o.user_id) AS lead, coalesce(derived_tstamp, collector_tstamp) AS moment
    FROM events AS e LEFT JOIN owners AS o USING (domain_userid)),
first AS (
    SELECT lead, arg_min(mkt_source, moment) FILTER (first_one) AS first_mkt_source, arg_min(mkt_medium, moment) FILTER (first_one) AS first_mkt_medium,
        arg_min(mkt_campaign, moment) FILTER (first_one) AS first_mkt_campaign, arg_min(refr_medium, moment) FILTER (first_one) AS first_refr_medium,
        arg_min(geo_country, moment) FILTER (first_one) AS first_geo_country, arg_min(dvce_type, moment) FILTER (first_one) AS first_dvce_type,
        arg_min(br_lang, moment) FILTER (first_one) AS first_br_lang, arg_min(app_id, moment) FILTER (first_one) AS first_app_id
    FROM (SELECT *, row_number() OVER (PARTITION BY lead ORDER BY moment, _row) = 1 AS first_one FROM owned WHERE lead IS NOT NULL)
    GROUP BY ALL),
known AS (
    SELECT _table, _row, user_id, moment FROM owned WHERE user_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY moment, _row) = 1)
SELECT k._table, k._row, k.user_id AS lead_id, k.moment AS created_at, f.* EXCLUDE (lead)
FROM known AS k JOIN first AS f ON f.lead = k.user_id
