-- Variants of these products, and those of others that have one of these skus or ids. Joined key by key: of a
-- condition with OR the planner believes that it is met by so many rows that all may be read.
SELECT v.id, v.product_id, v.sku, v.option1, v.option2, v.option3, p.handle, p.deleted_at IS NOT NULL
FROM (
    SELECT v.id FROM unnest($1) AS given (product_id) JOIN variant v USING (product_id)
    UNION
    SELECT v.id FROM unnest($2) AS given (sku) JOIN variant v USING (sku)
    UNION
    SELECT v.id FROM unnest($3) AS given (id) JOIN variant v USING (id)
) found
JOIN variant v ON v.id = found.id
JOIN product p ON p.id = v.product_id
ORDER BY v.product_id, v.position
