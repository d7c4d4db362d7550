-- NULL means "not said: keep". Writes, and so fires the triggers, only where something differs.
UPDATE product SET
    title = coalesce(g.title, product.title),
    description_html = coalesce(g.description_html, product.description_html),
    vendor = coalesce(g.vendor, product.vendor),
    product_type = coalesce(g.product_type, product.product_type),
    category = coalesce(g.category, product.category),
    tags = coalesce(g.tags::text[], product.tags),
    status = coalesce(g.status, product.status),
    published_at = CASE
        WHEN g.published_at IS NOT NULL THEN g.published_at::timestamptz
        WHEN g.published IS NULL THEN product.published_at
        WHEN g.published THEN coalesce(product.published_at, $1::timestamptz)
    END,
    options = coalesce(g.options::json, product.options),
    seo_title = nullif(coalesce(g.seo_title, product.seo_title), ''),
    seo_description = nullif(coalesce(g.seo_description, product.seo_description), ''),
    attributes = coalesce(g.attributes::json, product.attributes),
    rating_sum = coalesce(g.rating_sum, product.rating_sum),
    rating_count = coalesce(g.rating_count, product.rating_count),
    deleted_at = NULL
FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) AS g (
    id, title, description_html, vendor, product_type, category, tags, status, published, published_at, options,
    seo_title, seo_description, attributes, rating_sum, rating_count)
WHERE product.id = g.id AND (
    (product.title, product.description_html, product.vendor, product.product_type, product.category,
     product.tags, product.status, product.published_at, product.options::text,
     product.seo_title, product.seo_description, product.attributes::text,
     product.rating_sum, product.rating_count, product.deleted_at)
    IS DISTINCT FROM
    (coalesce(g.title, product.title), coalesce(g.description_html, product.description_html),
     coalesce(g.vendor, product.vendor), coalesce(g.product_type, product.product_type),
     coalesce(g.category, product.category), coalesce(g.tags::text[], product.tags),
     coalesce(g.status, product.status),
     CASE
         WHEN g.published_at IS NOT NULL THEN g.published_at::timestamptz
         WHEN g.published IS NULL THEN product.published_at
         WHEN g.published THEN coalesce(product.published_at, $1::timestamptz)
     END,
     coalesce(g.options, product.options::text), nullif(coalesce(g.seo_title, product.seo_title), ''),
     nullif(coalesce(g.seo_description, product.seo_description), ''),
     coalesce(g.attributes, product.attributes::text), coalesce(g.rating_sum, product.rating_sum),
     coalesce(g.rating_count, product.rating_count), NULL::timestamptz))
