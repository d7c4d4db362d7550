INSERT INTO variant (
    position, sku, barcode, mpn, condition, option1, option2, option3, price_minor, compare_at_minor, cost_minor,
    currency, weight_g, requires_shipping, taxable, tax_code, inventory_tracked, inventory_policy, image_id, id,
    product_id)
VALUES (
    $1, $2, nullif($3, ''), nullif($4, ''), nullif($5, ''), $6, $7, $8, $9, $10, $11, $12, $13,
    coalesce($14, true), coalesce($15, true), nullif($16, ''), coalesce($17, $22 IS NOT NULL),
    coalesce($18, 'deny'), $19, coalesce($20, nextval('variant_id_seq')), $21)
RETURNING id
