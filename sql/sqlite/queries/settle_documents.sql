-- Settlement, step 2: the documents of all products touched. Key order is part of the API.
--
-- One pass over the variants gives everything that depends on them. `min(availability)` is the best one:
-- in_stock < low_stock < out_of_stock in alphabetical order. CROSS JOIN, since the planner would walk all variants to
-- find those of the few products that changed.
WITH touched_variant AS MATERIALIZED (
    SELECT
        c.product_id, v.id, v.position, v.sku, v.barcode, v.option1, v.option2, v.option3,
        v.price_minor, v.compare_at_minor, v.currency, v.weight_g,
        CASE
            WHEN NOT v.inventory_tracked OR v.inventory_policy = 'continue' THEN 'in_stock'
            ELSE coalesce(i.level, 'out_of_stock')
        END AS availability,
        p.options ->> '$[0].name' AS name1,
        p.options ->> '$[1].name' AS name2,
        p.options ->> '$[2].name' AS name3
    FROM product_change c
    CROSS JOIN product p ON p.id = c.product_id
    CROSS JOIN variant v ON v.product_id = c.product_id
    LEFT JOIN inventory i ON i.variant_id = v.id
),
summary AS MATERIALIZED (
    SELECT
        product_id,
        min(price_minor) AS min_minor,
        max(price_minor) AS max_minor,
        min(currency) AS currency,
        min(availability) AS availability,
        json_group_array(json_object(
            'id', id,
            'sku', sku,
            'barcode', barcode,
            'options', CASE
                WHEN name1 IS NULL THEN json_object()
                WHEN name2 IS NULL THEN json_object(name1, option1)
                WHEN name3 IS NULL THEN json_object(name1, option1, name2, option2)
                ELSE json_object(name1, option1, name2, option2, name3, option3)
            END,
            'price', json_object('amount_minor', price_minor, 'currency', currency),
            'compare_at_price', CASE WHEN compare_at_minor IS NOT NULL THEN
                json_object('amount_minor', compare_at_minor, 'currency', currency) END,
            'availability', availability,
            'weight_g', weight_g)
            ORDER BY position) AS variants
    FROM touched_variant
    GROUP BY product_id
)
INSERT INTO product_document (product_id, version, body, currency, price_minor, availability)
SELECT
    p.id,
    p.version,
    CASE WHEN p.status = 'active' AND p.published_at IS NOT NULL AND p.deleted_at IS NULL THEN
        -- Joined as text where a part is JSON already: json() would take it apart again, which for the
        -- attributes alone took as long as all the rest. The first part ends in a string and the last
        -- begins with a name, so the trims take one brace each.
        rtrim(json_object(
            'id', p.id,
            'handle', p.handle,
            'title', p.title,
            'description_html', p.description_html,
            'vendor', p.vendor,
            'product_type', p.product_type,
            'category', p.category,
            'tags', json(p.tags),
            'status', p.status,
            'options', json(p.options),
            'price', CASE WHEN s.currency IS NOT NULL THEN json_object(
                'min', json_object('amount_minor', s.min_minor, 'currency', s.currency),
                'max', json_object('amount_minor', s.max_minor, 'currency', s.currency)) END,
            'availability', coalesce(s.availability, 'out_of_stock')), '}')
        || ',"rating":' || json_object(
            -- Half a tenth is rounded up in integers: a float may lie on either side of it.
            'average', (20 * p.rating_sum + p.rating_count) / (2 * nullif(p.rating_count, 0)) / 10.0,
            'count', p.rating_count)
        || ',"images":' || (
            SELECT json_group_array(
                json_object('url', i.url, 'alt', i.alt, 'width', i.width, 'height', i.height)
                ORDER BY i.position)
            FROM image i
            WHERE i.product_id = p.id)
        || ',"variants":' || coalesce(s.variants, '[]')
        || ',"attributes":' || p.attributes
        || ',' || ltrim(json_object(
            'seo', json_object('title', p.seo_title, 'description', p.seo_description),
            'version', p.version,
            'created_at', p.created_at,
            'updated_at', p.updated_at), '{')
    END,
    s.currency,
    s.min_minor,
    coalesce(s.availability, 'out_of_stock')
FROM product_change c
CROSS JOIN product p ON p.id = c.product_id
LEFT JOIN summary s ON s.product_id = c.product_id
WHERE true -- tells the parser that ON CONFLICT belongs to the INSERT
ON CONFLICT (product_id) DO UPDATE SET
    version = excluded.version,
    body = excluded.body,
    currency = excluded.currency,
    price_minor = excluded.price_minor,
    availability = excluded.availability
