-- audit_log.details is a serialised PHP array: s:8:"industry";a:2:{i:0;s:0:"";i:1;s:6:"Energy";} is a change of industry.
-- It is read as text, never unserialised.
CREATE MACRO php_pairs(details) AS (
    regexp_extract_all(details, 's:\d+:"[A-Za-z0-9_]+";a:2:\{i:0;(?:N|[bid]:[^;]*|s:\d+:"[^"]*");i:1;(?:N|[bid]:[^;]*|s:\d+:"[^"]*");\}'));
CREATE MACRO php_scalar(text) AS (
    CASE WHEN text = 'N' OR text LIKE 's:0:%' THEN NULL WHEN text LIKE 's:%' THEN regexp_extract(text, '^s:\d+:"(.*)"$', 1) ELSE text[3:] END);
CREATE MACRO php_name(pair) AS (regexp_extract(pair, '^s:\d+:"([A-Za-z0-9_]+)"', 1));
CREATE MACRO php_old(pair) AS (php_scalar(regexp_extract(pair, 'i:0;(N|[bid]:[^;]*|s:\d+:"[^"]*");', 1)));
CREATE MACRO php_new(pair) AS (php_scalar(regexp_extract(pair, 'i:1;(N|[bid]:[^;]*|s:\d+:"[^"]*");\}', 1)));
CREATE MACRO mautic_stage(stage) AS (coalesce((SELECT any_value(s.name) FROM stages AS s WHERE s.id = stage), stage));
