SELECT product_id, url, alt, width, height
FROM image
WHERE product_id = ANY ($1)
ORDER BY product_id, position
