-- Products behind an id, public or not.
SELECT
    id, handle, title, description_html, vendor, product_type, category, tags, status,
    rfc3339(published_at) AS published_at, options::text AS options, seo_title, seo_description,
    attributes::text AS attributes, rating_sum, rating_count, version, rfc3339(created_at) AS created_at,
    rfc3339(updated_at) AS updated_at
FROM product
WHERE id > $1 AND deleted_at IS NULL
ORDER BY id
LIMIT $2
