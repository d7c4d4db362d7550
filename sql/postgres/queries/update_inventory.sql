-- NULL means "not said: keep".
UPDATE inventory SET
    on_hand = coalesce(g.on_hand, inventory.on_hand),
    reserved = coalesce(g.reserved, inventory.reserved),
    low_stock_at = coalesce(g.low_stock_at, inventory.low_stock_at)
FROM unnest($1, $2, $3, $4) AS g (variant_id, on_hand, reserved, low_stock_at)
WHERE inventory.variant_id = g.variant_id
    AND (inventory.on_hand, inventory.reserved, inventory.low_stock_at) IS DISTINCT FROM
        (coalesce(g.on_hand, inventory.on_hand), coalesce(g.reserved, inventory.reserved),
         coalesce(g.low_stock_at, inventory.low_stock_at))
