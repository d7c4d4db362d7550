-- The most popular products of a product's category.
SELECT product_id
FROM product_listing
WHERE category = (SELECT nullif(category, '') FROM product_listing WHERE product_id = $1)
ORDER BY rating_count DESC, rating DESC, product_id DESC
LIMIT $2
