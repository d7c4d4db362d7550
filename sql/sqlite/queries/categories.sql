-- Public products by category; read from the index on it alone.
SELECT category, count(*) FROM product_listing WHERE category > '' GROUP BY category ORDER BY category
