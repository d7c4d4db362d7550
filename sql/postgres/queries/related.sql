-- The public products that a product names itself, in its order.
SELECT r.related_id, r.kind
FROM relation r
JOIN product_listing l ON l.product_id = r.related_id
WHERE r.product_id = $1
ORDER BY r.position
LIMIT $2
