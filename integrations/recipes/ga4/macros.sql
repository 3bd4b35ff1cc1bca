-- Who an event belongs to: the user_id that the site gave, else the pseudonym of the browser.
CREATE MACRO ga_repeat(moment, name, bundle, page, ordering, place) AS (
    concat_ws('-', epoch_us(moment), name, bundle, page, ordering, place));
