-- Published reviews of a product, as JSON, newest first, from behind a time and an id on.
SELECT
    json_object(
        'id', id,
        'rating', rating,
        'title', title,
        'body', body,
        'author', author,
        'created_at', created_at),
    created_at,
    id
FROM review
WHERE product_id = ? AND status = 'published' AND (created_at, id) < (?, ?)
ORDER BY created_at DESC, id DESC
LIMIT ?
