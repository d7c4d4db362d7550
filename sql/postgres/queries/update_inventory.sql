UPDATE inventory SET
    on_hand = coalesce($2, on_hand),
    reserved = coalesce($3, reserved),
    low_stock_at = coalesce($4, low_stock_at)
WHERE variant_id = $1 AND (on_hand, reserved, low_stock_at) IS DISTINCT FROM
    (coalesce($2, on_hand), coalesce($3, reserved), coalesce($4, low_stock_at))
