-- In the order they were written.
SELECT product_id, rating, title, body, author, status, rfc3339(created_at) AS created_at
FROM review
WHERE product_id = ANY ($1)
ORDER BY product_id, id
