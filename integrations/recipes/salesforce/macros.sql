-- A record's id has 15 characters, case-sensitive, or 18: three more that say which of the 15 are capitals.
-- Reports give the short form, the API the long one; the long one is used throughout.
-- https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
CREATE MACRO sf_capitals(five) AS (
    CASE WHEN five[1:1] BETWEEN 'A' AND 'Z' THEN 1 ELSE 0 END
    + CASE WHEN five[2:2] BETWEEN 'A' AND 'Z' THEN 2 ELSE 0 END
    + CASE WHEN five[3:3] BETWEEN 'A' AND 'Z' THEN 4 ELSE 0 END
    + CASE WHEN five[4:4] BETWEEN 'A' AND 'Z' THEN 8 ELSE 0 END
    + CASE WHEN five[5:5] BETWEEN 'A' AND 'Z' THEN 16 ELSE 0 END);
CREATE MACRO sf_sign(five) AS (
    substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', sf_capitals(five) + 1, 1));
CREATE MACRO sf_id(id) AS (
    CASE WHEN length(id) IN (15, 18)
        THEN id[1:15] || sf_sign(id[1:5]) || sf_sign(id[6:10]) || sf_sign(id[11:15])
        ELSE id END);
CREATE MACRO sf_is_id(text) AS (regexp_full_match(text, '[A-Za-z0-9]{15}([A-Za-z0-9]{3})?') AND text SIMILAR TO '.*[0-9].*');
