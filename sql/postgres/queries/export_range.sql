-- The last id of the next stretch of products; NULL behind the last one.
SELECT max(id) FROM (SELECT id FROM product WHERE id > $1 ORDER BY id LIMIT $2) stretch
