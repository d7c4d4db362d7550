SELECT tag FROM product_tag WHERE product_id = ?1 ORDER BY tag LIMIT ?2
