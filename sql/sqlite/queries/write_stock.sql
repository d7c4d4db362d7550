-- Writes, and so fires the triggers, only where something differs.
INSERT INTO inventory (variant_id, on_hand, reserved, low_stock_at)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (variant_id) DO UPDATE SET
    on_hand = excluded.on_hand, reserved = excluded.reserved, low_stock_at = excluded.low_stock_at
WHERE (on_hand, reserved, low_stock_at)
    IS NOT (excluded.on_hand, excluded.reserved, excluded.low_stock_at)
