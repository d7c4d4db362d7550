-- The exact stock of a public product, as JSON. Numbers are null where stock is not tracked; `available` is
-- below zero where more was promised than there is.
SELECT json_object(
    'product_id', l.product_id,
    'variants', json((
        SELECT json_group_array(
            json_object(
                'id', v.id,
                'sku', v.sku,
                'tracked', json(iif(v.inventory_tracked, 'true', 'false')),
                'policy', v.inventory_policy,
                'on_hand', iif(v.inventory_tracked, coalesce(i.on_hand, 0), NULL),
                'reserved', iif(v.inventory_tracked, coalesce(i.reserved, 0), NULL),
                'available', iif(v.inventory_tracked, coalesce(i.on_hand - i.reserved, 0), NULL),
                -- As in the document: settle_documents.sql.
                'availability', CASE
                    WHEN NOT v.inventory_tracked OR v.inventory_policy = 'continue' THEN 'in_stock'
                    ELSE coalesce(i.level, 'out_of_stock')
                END)
            ORDER BY v.position)
        FROM variant v
        LEFT JOIN inventory i ON i.variant_id = v.id
        WHERE v.product_id = l.product_id)))
FROM product_listing l
WHERE l.product_id = ?1
