-- NULL means "not said: keep". Writes, and so fires the triggers, only where something differs.
WITH said AS (
    SELECT
        coalesce($1, title) AS title,
        coalesce($2, description_html) AS description_html,
        coalesce($3, vendor) AS vendor,
        coalesce($4, product_type) AS product_type,
        coalesce($5, category) AS category,
        coalesce($6, tags) AS tags,
        coalesce($7, status) AS status,
        CASE
            WHEN $9 IS NOT NULL THEN $9::timestamptz
            WHEN $8 IS FALSE THEN NULL
            WHEN $8 IS TRUE THEN coalesce(published_at, $16::timestamptz)
            ELSE published_at
        END AS published_at,
        coalesce($10, options::text) AS options,
        nullif(coalesce($11, seo_title), '') AS seo_title,
        nullif(coalesce($12, seo_description), '') AS seo_description,
        coalesce($13, attributes::text) AS attributes,
        coalesce($14, rating_sum) AS rating_sum,
        coalesce($15, rating_count) AS rating_count
    FROM product WHERE id = $17
)
UPDATE product SET
    title = s.title, description_html = s.description_html, vendor = s.vendor,
    product_type = s.product_type, category = s.category, tags = s.tags, status = s.status,
    published_at = s.published_at, options = s.options::json, seo_title = s.seo_title,
    seo_description = s.seo_description, attributes = s.attributes::json, rating_sum = s.rating_sum,
    rating_count = s.rating_count, deleted_at = NULL
FROM said s
WHERE product.id = $17 AND (
    (product.title, product.description_html, product.vendor, product.product_type, product.category,
     product.tags, product.status, product.published_at, product.options::text, product.seo_title,
     product.seo_description, product.attributes::text, product.rating_sum, product.rating_count,
     product.deleted_at)
    IS DISTINCT FROM
    (s.title, s.description_html, s.vendor, s.product_type, s.category,
     s.tags, s.status, s.published_at, s.options, s.seo_title,
     s.seo_description, s.attributes, s.rating_sum, s.rating_count,
     NULL::timestamptz))
