-- The most popular products of each tag of a product; those of all tags are among them.
SELECT DISTINCT p.product_id, p.rating_count, p.rating
FROM (SELECT tag FROM product_tag WHERE product_id = $1 ORDER BY tag LIMIT $2) t
CROSS JOIN LATERAL (
    SELECT product_id, rating_count, rating
    FROM product_tag
    WHERE tag = t.tag
    ORDER BY rating_count DESC, rating DESC, product_id DESC
    LIMIT $3
) p
ORDER BY p.rating_count DESC, p.rating DESC, p.product_id DESC
