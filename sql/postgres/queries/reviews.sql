-- Published reviews of a product, as JSON, newest first, from behind a time and an id on.
SELECT
    concat(
        '{"id":', id,
        ',"rating":', rating,
        ',"title":', json_string(title),
        ',"body":', json_string(body),
        ',"author":', json_string(author),
        ',"created_at":"', rfc3339(created_at), '"}'),
    rfc3339(created_at),
    id
FROM review
WHERE product_id = $1 AND status = 'published' AND (created_at, id) < ($2::timestamptz, $3)
ORDER BY created_at DESC, id DESC
LIMIT $4
