-- NULL means "not said: keep"; for the amounts and the weight, which can be cleared, a flag says whether they were
-- said.
WITH said AS (
    SELECT
        coalesce($2, sku) AS sku,
        nullif(coalesce($3, barcode), '') AS barcode,
        nullif(coalesce($4, mpn), '') AS mpn,
        nullif(coalesce($5, condition), '') AS condition,
        coalesce($9, price_minor) AS price_minor,
        CASE WHEN $21 THEN $10 ELSE compare_at_minor END AS compare_at_minor,
        CASE WHEN $22 THEN $11 ELSE cost_minor END AS cost_minor,
        coalesce($12, currency) AS currency,
        CASE WHEN $23 THEN $13 ELSE weight_g END AS weight_g,
        coalesce($14, requires_shipping) AS requires_shipping,
        coalesce($15, taxable) AS taxable,
        nullif(coalesce($16, tax_code), '') AS tax_code,
        coalesce($17, inventory_tracked) AS inventory_tracked,
        coalesce($18, inventory_policy) AS inventory_policy,
        coalesce($19, image_id) AS image_id
    FROM variant WHERE id = $20
)
UPDATE variant SET
    position = $1, sku = s.sku, barcode = s.barcode, mpn = s.mpn, condition = s.condition,
    option1 = $6, option2 = $7, option3 = $8, price_minor = s.price_minor,
    compare_at_minor = s.compare_at_minor, cost_minor = s.cost_minor, currency = s.currency,
    weight_g = s.weight_g, requires_shipping = s.requires_shipping, taxable = s.taxable,
    tax_code = s.tax_code, inventory_tracked = s.inventory_tracked,
    inventory_policy = s.inventory_policy, image_id = s.image_id
FROM said s
WHERE variant.id = $20 AND (
    (variant.position, variant.sku, variant.barcode, variant.mpn, variant.condition, variant.option1,
     variant.option2, variant.option3, variant.price_minor, variant.compare_at_minor,
     variant.cost_minor, variant.currency, variant.weight_g, variant.requires_shipping,
     variant.taxable, variant.tax_code, variant.inventory_tracked, variant.inventory_policy,
     variant.image_id)
    IS DISTINCT FROM
    ($1, s.sku, s.barcode, s.mpn, s.condition, $6,
     $7, $8, s.price_minor, s.compare_at_minor,
     s.cost_minor, s.currency, s.weight_g, s.requires_shipping,
     s.taxable, s.tax_code, s.inventory_tracked, s.inventory_policy,
     s.image_id))
