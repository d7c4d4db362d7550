-- Those of some products that are public.
SELECT l.product_id, d.body, l.published_at, l.rating
FROM json_each(?1) given
JOIN product_listing l ON l.product_id = given.value
JOIN product_document d ON d.product_id = l.product_id
WHERE d.body IS NOT NULL
