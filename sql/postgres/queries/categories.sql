-- Public products by category.
SELECT category, count(*) FROM product_listing WHERE category > '' GROUP BY category ORDER BY category
