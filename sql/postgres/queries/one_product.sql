-- Locked until the end of the transaction, so that what is decided by it still holds when it is written.
SELECT
    id, handle, title, description_html, vendor, product_type, category, tags, status,
    rfc3339(published_at) AS published_at, options::text AS options, seo_title, seo_description,
    attributes::text AS attributes, rating_sum, rating_count, version, rfc3339(created_at) AS created_at,
    rfc3339(updated_at) AS updated_at, deleted_at IS NOT NULL AS is_deleted
FROM product
WHERE id = $1
FOR NO KEY UPDATE
