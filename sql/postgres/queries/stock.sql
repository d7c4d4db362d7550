-- The exact stock of public products, as JSON, byte for byte as sql/sqlite/queries/stock.sql writes it.
SELECT l.product_id, concat(
    '{"product_id":', l.product_id,
    ',"variants":[', (
        SELECT string_agg(concat(
            '{"id":', v.id,
            ',"sku":', json_string(v.sku),
            ',"tracked":', v.inventory_tracked::text,
            ',"policy":"', v.inventory_policy,
            '","on_hand":', CASE WHEN v.inventory_tracked THEN coalesce(i.on_hand, 0)::text ELSE 'null' END,
            ',"reserved":', CASE WHEN v.inventory_tracked THEN coalesce(i.reserved, 0)::text ELSE 'null' END,
            ',"available":',
                CASE WHEN v.inventory_tracked THEN coalesce(i.on_hand - i.reserved, 0)::text ELSE 'null' END,
            -- As in the document.
            ',"availability":"', CASE
                WHEN NOT v.inventory_tracked OR v.inventory_policy = 'continue' THEN 'in_stock'
                ELSE coalesce(i.level, 'out_of_stock')
            END, '"}'), ',' ORDER BY v.position)
        FROM variant v
        LEFT JOIN inventory i ON i.variant_id = v.id
        WHERE v.product_id = l.product_id),
    ']}')
FROM product_listing l
WHERE l.product_id = ANY ($1)
