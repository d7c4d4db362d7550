-- A deleted product keeps its variants for the day it comes back, but not their skus against a product that is sold.
UPDATE variant SET sku = NULL
FROM product p
WHERE variant.id = ANY ($1) AND p.id = variant.product_id AND p.deleted_at IS NOT NULL
