INSERT INTO variant (
    id, product_id, position, sku, barcode, mpn, condition, option1, option2, option3,
    price_minor, compare_at_minor, cost_minor, currency, weight_g, requires_shipping, taxable, tax_code,
    inventory_tracked, inventory_policy, image_id)
VALUES (
    :id, :product_id, :position, :sku, nullif(:barcode, ''), nullif(:mpn, ''), nullif(:condition, ''),
    :option1, :option2, :option3, :price_minor, :compare_at_minor, :cost_minor, :currency, :weight_g,
    coalesce(:requires_shipping, 1), coalesce(:taxable, 1), nullif(:tax_code, ''),
    coalesce(:inventory_tracked, :on_hand IS NOT NULL), coalesce(:inventory_policy, 'deny'), :image_id)
