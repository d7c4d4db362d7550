-- The most popular products with a tag.
SELECT product_id, rating_count, rating
FROM product_tag
WHERE tag = ?1
ORDER BY rating_count DESC, rating DESC, product_id DESC
LIMIT ?2
