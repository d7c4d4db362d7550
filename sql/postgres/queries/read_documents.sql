-- The last column, whether the product was deleted, is looked up only where there is no document.
SELECT
    product_id,
    version,
    body,
    CASE WHEN body IS NULL THEN
        (SELECT deleted_at IS NOT NULL FROM product WHERE id = product_id)
    END
FROM product_document
WHERE product_id = ANY ($1)
