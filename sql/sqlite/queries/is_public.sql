SELECT EXISTS (SELECT 1 FROM product_listing WHERE product_id = ?1)
