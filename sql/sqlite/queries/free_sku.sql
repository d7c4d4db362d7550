UPDATE variant SET sku = NULL
WHERE sku = ?1
    AND EXISTS (SELECT 1 FROM product p WHERE p.id = variant.product_id AND p.deleted_at IS NOT NULL)
