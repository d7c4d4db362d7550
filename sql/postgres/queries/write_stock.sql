-- Writes, and so fires the triggers, only where something differs.
INSERT INTO inventory (variant_id, on_hand, reserved, low_stock_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (variant_id) DO UPDATE SET
    on_hand = excluded.on_hand, reserved = excluded.reserved, low_stock_at = excluded.low_stock_at
WHERE (inventory.on_hand, inventory.reserved, inventory.low_stock_at)
    IS DISTINCT FROM (excluded.on_hand, excluded.reserved, excluded.low_stock_at)
