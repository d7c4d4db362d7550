SELECT
    v.product_id, v.id, v.sku, v.barcode, v.mpn, v.condition, v.option1, v.option2, v.option3, v.price_minor,
    v.compare_at_minor, v.cost_minor, v.currency, v.weight_g, v.requires_shipping, v.taxable, v.tax_code,
    v.inventory_tracked, v.inventory_policy, i.on_hand, i.reserved, i.low_stock_at,
    m.position AS image_index
FROM variant v
LEFT JOIN inventory i ON i.variant_id = v.id
LEFT JOIN image m ON m.id = v.image_id
WHERE v.product_id = ANY ($1)
ORDER BY v.product_id, v.position
