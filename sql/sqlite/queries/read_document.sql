SELECT version, body FROM product_document WHERE product_id = ?1
