INSERT INTO inventory (variant_id, on_hand, reserved, low_stock_at)
VALUES (?, ?, ?, ?)
