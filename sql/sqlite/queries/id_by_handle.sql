SELECT id FROM product WHERE handle = ?1
