SELECT product_id FROM variant WHERE sku = ?1
