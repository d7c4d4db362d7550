INSERT INTO image (id, product_id, position, url, alt, width, height)
VALUES (?, ?, ?, ?, ?, ?, ?)
