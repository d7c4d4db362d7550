-- The stock of a variant that is locked until the end of the transaction: two sales of the last unit are one after
-- the other.
SELECT
    v.id, v.product_id, v.inventory_tracked, v.inventory_policy = 'continue',
    coalesce(i.on_hand, 0), coalesce(i.reserved, 0), coalesce(i.low_stock_at, 5)
FROM variant v
JOIN product p ON p.id = v.product_id
LEFT JOIN inventory i ON i.variant_id = v.id
WHERE v.id = $1 AND p.deleted_at IS NULL
