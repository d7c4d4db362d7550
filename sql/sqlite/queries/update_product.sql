-- NULL means "not said: keep". Writes, and so fires the triggers, only where something differs.
WITH said AS (
    SELECT
        coalesce(:title, title) AS title,
        coalesce(:description_html, description_html) AS description_html,
        coalesce(:vendor, vendor) AS vendor,
        coalesce(:product_type, product_type) AS product_type,
        coalesce(:category, category) AS category,
        coalesce(:tags, tags) AS tags,
        coalesce(:status, status) AS status,
        CASE
            WHEN :published_at IS NOT NULL THEN :published_at
            WHEN :published IS 0 THEN NULL
            WHEN :published IS 1 THEN coalesce(published_at, :now)
            ELSE published_at
        END AS published_at,
        coalesce(:options, options) AS options,
        nullif(coalesce(:seo_title, seo_title), '') AS seo_title,
        nullif(coalesce(:seo_description, seo_description), '') AS seo_description,
        coalesce(:attributes, attributes) AS attributes,
        coalesce(:rating_sum, rating_sum) AS rating_sum,
        coalesce(:rating_count, rating_count) AS rating_count
    FROM product WHERE id = :id
)
UPDATE product SET
    title = s.title, description_html = s.description_html, vendor = s.vendor,
    product_type = s.product_type, category = s.category, tags = s.tags, status = s.status,
    published_at = s.published_at, options = s.options, seo_title = s.seo_title,
    seo_description = s.seo_description, attributes = s.attributes, rating_sum = s.rating_sum,
    rating_count = s.rating_count, deleted_at = NULL
FROM said s
WHERE product.id = :id AND (
    (product.title, product.description_html, product.vendor, product.product_type, product.category,
     product.tags, product.status, product.published_at, product.options, product.seo_title,
     product.seo_description, product.attributes, product.rating_sum, product.rating_count,
     product.deleted_at)
    IS NOT
    (s.title, s.description_html, s.vendor, s.product_type, s.category,
     s.tags, s.status, s.published_at, s.options, s.seo_title,
     s.seo_description, s.attributes, s.rating_sum, s.rating_count,
     NULL))
