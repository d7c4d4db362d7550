INSERT INTO review (product_id, rating, title, body, author, status, created_at)
SELECT
    $1, given.rating, given.title, given.body, given.author, given.status,
    coalesce(given.created_at::timestamptz, date_trunc('milliseconds', clock_timestamp()))
FROM unnest($2, $3, $4, $5, $6, $7) WITH ORDINALITY
    AS given (rating, title, body, author, status, created_at, place)
ORDER BY given.place
