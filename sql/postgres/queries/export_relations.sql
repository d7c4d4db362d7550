SELECT r.product_id, p.handle, r.kind
FROM relation r
JOIN product p ON p.id = r.related_id
WHERE r.product_id = ANY ($1) AND p.deleted_at IS NULL
ORDER BY r.product_id, r.position
