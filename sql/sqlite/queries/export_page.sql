-- Products of a range of ids, public or not, that pass the filters; a filter that is NULL lets all pass. The
-- range is walked by the primary key, whatever the filters, so that each page costs about the same.
SELECT
    p.id, p.handle, p.title, p.description_html, p.vendor, p.product_type, p.category, p.tags, p.status,
    p.published_at, p.options, p.seo_title, p.seo_description, p.attributes, p.rating_sum, p.rating_count,
    p.version, p.created_at, p.updated_at
FROM product p
LEFT JOIN product_document d ON d.product_id = p.id
WHERE p.id > :after AND p.id <= :last
    AND p.deleted_at IS NULL
    AND (:status IS NULL OR p.status = :status)
    -- Whole levels, as in lists: '!' is the sign after the space.
    AND (:category IS NULL OR p.category = :category
        OR (p.category >= :category || ' > ' AND p.category < :category || ' >!'))
    AND (:vendor IS NULL OR p.vendor = :vendor)
    AND (:product_type IS NULL OR p.product_type = :product_type)
    -- Of each group at least one tag.
    AND NOT EXISTS (
        SELECT 1 FROM json_each(:tags) wanted
        WHERE NOT EXISTS (
            SELECT 1 FROM json_each(p.tags) tag
            WHERE tag.value IN (SELECT value FROM json_each(wanted.value))))
    AND (:currency IS NULL OR d.currency = :currency)
    AND (:price_min IS NULL OR d.price_minor >= :price_min)
    AND (:price_max IS NULL OR d.price_minor <= :price_max)
    AND (json_array_length(:availability) = 0
        OR d.availability IN (SELECT value FROM json_each(:availability)))
    AND (:updated_since IS NULL OR p.updated_at >= :updated_since)
ORDER BY p.id
