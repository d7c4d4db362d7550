SELECT id, handle, deleted_at IS NOT NULL
FROM product
WHERE handle = ANY ($1) OR id = ANY ($2)
