INSERT INTO variant (
    id, product_id, position, sku, barcode, mpn, condition, option1, option2, option3,
    price_minor, compare_at_minor, cost_minor, currency, weight_g, requires_shipping, taxable, tax_code,
    inventory_tracked, inventory_policy, image_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
