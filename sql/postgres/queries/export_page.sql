-- Products of a range of ids, public or not, that pass the filters; a filter that is NULL lets all pass. The
-- range is walked by the primary key, whatever the filters, so that each page costs about the same; it is said of both
-- tables, since joined by merging the other one would be read from its beginning.
SELECT
    p.id, p.handle, p.title, p.description_html, p.vendor, p.product_type, p.category, p.tags, p.status,
    rfc3339(p.published_at) AS published_at, p.options::text AS options, p.seo_title, p.seo_description,
    p.attributes::text AS attributes, p.rating_sum, p.rating_count, p.version,
    rfc3339(p.created_at) AS created_at, rfc3339(p.updated_at) AS updated_at
FROM product p
LEFT JOIN product_document d ON d.product_id = p.id AND d.product_id > $1 AND d.product_id <= $2
WHERE p.id > $1 AND p.id <= $2
    AND p.deleted_at IS NULL
    AND ($3 IS NULL OR p.status = $3)
    -- Whole levels, as in lists: '!' is the sign after the space.
    AND ($4 IS NULL OR p.category = $4 OR (p.category >= $4 || ' > ' AND p.category < $4 || ' >!'))
    AND ($5 IS NULL OR p.vendor = $5)
    AND ($6 IS NULL OR p.product_type = $6)
    -- Of each group at least one tag.
    AND NOT EXISTS (
        SELECT 1 FROM json_array_elements($7::json) AS wanted (tags)
        WHERE NOT p.tags && ARRAY(SELECT json_array_elements_text(wanted.tags)) COLLATE "C")
    AND ($8 IS NULL OR d.currency = $8)
    AND ($9 IS NULL OR d.price_minor >= $9)
    AND ($10 IS NULL OR d.price_minor <= $10)
    AND (cardinality($11) = 0 OR d.availability = ANY ($11))
    AND ($12 IS NULL OR p.updated_at >= $12::timestamptz)
ORDER BY p.id
LIMIT $13
