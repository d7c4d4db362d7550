-- NULL means "not said: keep"; for the amounts and the weight, which can be cleared, a flag says
-- whether they were said.
WITH said AS (
    SELECT
        coalesce(:sku, sku) AS sku,
        nullif(coalesce(:barcode, barcode), '') AS barcode,
        nullif(coalesce(:mpn, mpn), '') AS mpn,
        nullif(coalesce(:condition, condition), '') AS condition,
        coalesce(:price_minor, price_minor) AS price_minor,
        iif(:compare_at_said, :compare_at_minor, compare_at_minor) AS compare_at_minor,
        iif(:cost_said, :cost_minor, cost_minor) AS cost_minor,
        coalesce(:currency, currency) AS currency,
        iif(:weight_said, :weight_g, weight_g) AS weight_g,
        coalesce(:requires_shipping, requires_shipping) AS requires_shipping,
        coalesce(:taxable, taxable) AS taxable,
        nullif(coalesce(:tax_code, tax_code), '') AS tax_code,
        coalesce(:inventory_tracked, inventory_tracked) AS inventory_tracked,
        coalesce(:inventory_policy, inventory_policy) AS inventory_policy,
        coalesce(:image_id, image_id) AS image_id
    FROM variant WHERE id = :id
)
UPDATE variant SET
    position = :position, sku = s.sku, barcode = s.barcode, mpn = s.mpn, condition = s.condition,
    option1 = :option1, option2 = :option2, option3 = :option3, price_minor = s.price_minor,
    compare_at_minor = s.compare_at_minor, cost_minor = s.cost_minor, currency = s.currency,
    weight_g = s.weight_g, requires_shipping = s.requires_shipping, taxable = s.taxable,
    tax_code = s.tax_code, inventory_tracked = s.inventory_tracked,
    inventory_policy = s.inventory_policy, image_id = s.image_id
FROM said s
WHERE variant.id = :id AND (
    (variant.position, variant.sku, variant.barcode, variant.mpn, variant.condition, variant.option1,
     variant.option2, variant.option3, variant.price_minor, variant.compare_at_minor,
     variant.cost_minor, variant.currency, variant.weight_g, variant.requires_shipping,
     variant.taxable, variant.tax_code, variant.inventory_tracked, variant.inventory_policy,
     variant.image_id)
    IS NOT
    (:position, s.sku, s.barcode, s.mpn, s.condition, :option1,
     :option2, :option3, s.price_minor, s.compare_at_minor,
     s.cost_minor, s.currency, s.weight_g, s.requires_shipping,
     s.taxable, s.tax_code, s.inventory_tracked, s.inventory_policy,
     s.image_id))
