-- Public products with a higher id, in order of id. Said of both tables: joined by merging, the other one would be read
-- from its beginning, more of it for each page.
SELECT l.product_id, d.body, rfc3339(l.published_at), l.rating
FROM product_listing l
JOIN product_document d ON d.product_id = l.product_id
WHERE l.product_id > $1 AND d.product_id > $1 AND d.body IS NOT NULL
ORDER BY l.product_id
LIMIT $2
