-- Settlement, step 3: products touched leave the lists, their tags with them.
DELETE FROM product_listing WHERE product_id IN (SELECT product_id FROM product_change)
