-- Those of some products that are public.
SELECT l.product_id, d.body, rfc3339(l.published_at), l.rating
FROM product_listing l
JOIN product_document d ON d.product_id = l.product_id
WHERE l.product_id = ANY ($1) AND d.body IS NOT NULL
