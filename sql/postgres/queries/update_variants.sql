-- NULL means "not said: keep"; for the amounts and the weight, which can be cleared, a flag says whether they were
-- said. Where everything is said ($1), a sku or image that is not said is none.
UPDATE variant SET
    position = g.position,
    sku = CASE WHEN $1 THEN g.sku ELSE coalesce(g.sku, variant.sku) END,
    barcode = nullif(coalesce(g.barcode, variant.barcode), ''),
    mpn = nullif(coalesce(g.mpn, variant.mpn), ''),
    condition = nullif(coalesce(g.condition, variant.condition), ''),
    option1 = g.option1,
    option2 = g.option2,
    option3 = g.option3,
    price_minor = coalesce(g.price_minor, variant.price_minor),
    compare_at_minor = CASE WHEN g.compare_at_said THEN g.compare_at_minor ELSE variant.compare_at_minor END,
    cost_minor = CASE WHEN g.cost_said THEN g.cost_minor ELSE variant.cost_minor END,
    currency = coalesce(g.currency, variant.currency),
    weight_g = CASE WHEN g.weight_said THEN g.weight_g ELSE variant.weight_g END,
    requires_shipping = coalesce(g.requires_shipping, variant.requires_shipping),
    taxable = coalesce(g.taxable, variant.taxable),
    tax_code = nullif(coalesce(g.tax_code, variant.tax_code), ''),
    inventory_tracked = coalesce(g.inventory_tracked, variant.inventory_tracked),
    inventory_policy = coalesce(g.inventory_policy, variant.inventory_policy),
    image_id = CASE WHEN $1 THEN g.image_id ELSE coalesce(g.image_id, variant.image_id) END
FROM unnest(
    $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
    $24) AS g (
    id, position, sku, barcode, mpn, condition, option1, option2, option3, price_minor, compare_at_minor,
    compare_at_said, cost_minor, cost_said, currency, weight_g, weight_said, requires_shipping, taxable,
    tax_code, inventory_tracked, inventory_policy, image_id)
WHERE variant.id = g.id AND (
    (variant.position, variant.sku, variant.barcode, variant.mpn, variant.condition, variant.option1,
     variant.option2, variant.option3, variant.price_minor, variant.compare_at_minor, variant.cost_minor,
     variant.currency, variant.weight_g, variant.requires_shipping, variant.taxable, variant.tax_code,
     variant.inventory_tracked, variant.inventory_policy, variant.image_id)
    IS DISTINCT FROM
    (g.position, CASE WHEN $1 THEN g.sku ELSE coalesce(g.sku, variant.sku) END,
     nullif(coalesce(g.barcode, variant.barcode), ''), nullif(coalesce(g.mpn, variant.mpn), ''),
     nullif(coalesce(g.condition, variant.condition), ''), g.option1, g.option2, g.option3,
     coalesce(g.price_minor, variant.price_minor),
     CASE WHEN g.compare_at_said THEN g.compare_at_minor ELSE variant.compare_at_minor END,
     CASE WHEN g.cost_said THEN g.cost_minor ELSE variant.cost_minor END,
     coalesce(g.currency, variant.currency),
     CASE WHEN g.weight_said THEN g.weight_g ELSE variant.weight_g END,
     coalesce(g.requires_shipping, variant.requires_shipping), coalesce(g.taxable, variant.taxable),
     nullif(coalesce(g.tax_code, variant.tax_code), ''),
     coalesce(g.inventory_tracked, variant.inventory_tracked),
     coalesce(g.inventory_policy, variant.inventory_policy),
     CASE WHEN $1 THEN g.image_id ELSE coalesce(g.image_id, variant.image_id) END))
