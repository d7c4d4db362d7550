-- The settlement of V2 and what notes products for it, in three quarters of the time: one statement settles a stretch of
-- products, and nothing is sorted. What they promise, and the bytes of the documents, are the same.

-- As json_string(), without the way through text: concat() writes both alike.
CREATE FUNCTION json_of(given text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(to_json(given), 'null'::json) $$;

-- Variants and images are looked up product by product, where an index has them in their order, so that nothing is
-- sorted. What is the same for all variants of a product is made once: OFFSET 0 keeps it from being put in place.
CREATE OR REPLACE FUNCTION documents(ids bigint[]) RETURNS TABLE (
    product_id bigint, version bigint, body text, currency text, price_minor bigint, availability text)
LANGUAGE sql STABLE
AS $$
SELECT
    p.id,
    p.version,
    CASE WHEN p.status = 'active' AND p.published_at IS NOT NULL AND p.deleted_at IS NULL THEN
        concat(
            '{"id":', p.id,
            ',"handle":', to_json(p.handle),
            ',"title":', to_json(p.title),
            ',"description_html":', to_json(p.description_html),
            ',"vendor":', to_json(p.vendor),
            ',"product_type":', to_json(p.product_type),
            ',"category":', to_json(p.category),
            ',"tags":', array_to_json(p.tags),
            ',"status":"', p.status,
            '","options":', p.options,
            ',"price":', CASE
                WHEN s.currency IS NULL THEN 'null'
                ELSE concat(
                    '{"min":{"amount_minor":', s.min_minor, ',"currency":', to_json(s.currency),
                    '},"max":{"amount_minor":', s.max_minor, ',"currency":', to_json(s.currency), '}}')
            END,
            ',"availability":"', coalesce(s.availability, 'out_of_stock'),
            '","rating":{"average":', CASE
                WHEN p.rating_count = 0 THEN 'null'
                ELSE round(p.rating_sum::numeric / p.rating_count, 1)::text
            END,
            ',"count":', p.rating_count,
            '},"images":[', i.images,
            '],"variants":[', s.variants,
            '],"attributes":', p.attributes,
            ',"seo":{"title":', json_of(p.seo_title),
            ',"description":', json_of(p.seo_description),
            '},"version":', p.version,
            ',"created_at":"', once.created_at,
            '","updated_at":"', CASE
                WHEN p.updated_at = p.created_at THEN once.created_at
                ELSE rfc3339(p.updated_at)
            END, '"}')
    END,
    s.currency,
    s.min_minor,
    coalesce(s.availability, 'out_of_stock')
FROM product p
CROSS JOIN LATERAL (
    SELECT
        rfc3339(p.created_at) AS created_at,
        CASE WHEN p.options::text <> '[]' THEN ARRAY[
            to_json(p.options -> 0 ->> 'name'),
            to_json(p.options -> 1 ->> 'name'),
            to_json(p.options -> 2 ->> 'name')]
        END AS names
    OFFSET 0
) once
LEFT JOIN LATERAL (
    -- min(availability) is the best one: in_stock < low_stock < out_of_stock in alphabetical order.
    SELECT
        min(v.price_minor) AS min_minor,
        max(v.price_minor) AS max_minor,
        min(v.currency) AS currency,
        min(v.availability) AS availability,
        string_agg(concat(
            '{"id":', v.id,
            ',"sku":', json_of(v.sku),
            ',"barcode":', json_of(v.barcode),
            ',"options":{',
                CASE WHEN names[1] IS NOT NULL THEN concat(
                    names[1], ':', json_of(v.option1),
                    CASE WHEN names[2] IS NOT NULL THEN concat(
                        ',', names[2], ':', json_of(v.option2),
                        CASE WHEN names[3] IS NOT NULL THEN concat(',', names[3], ':', json_of(v.option3)) END)
                    END)
                END,
            '},"price":{"amount_minor":', v.price_minor, ',"currency":', to_json(v.currency),
            '},"compare_at_price":', CASE
                WHEN v.compare_at_minor IS NULL THEN 'null'
                ELSE concat('{"amount_minor":', v.compare_at_minor, ',"currency":', to_json(v.currency), '}')
            END,
            ',"availability":"', v.availability,
            '","weight_g":', coalesce(v.weight_g::text, 'null'), '}'), ',') AS variants
    FROM (
        SELECT
            variant.*,
            CASE
                WHEN NOT inventory_tracked OR inventory_policy = 'continue' THEN 'in_stock'
                ELSE coalesce(level, 'out_of_stock')
            END COLLATE "C" AS availability
        FROM variant
        LEFT JOIN inventory ON variant_id = id
        WHERE variant.product_id = p.id
        ORDER BY position
    ) v
) s ON true
LEFT JOIN LATERAL (
    SELECT string_agg(concat(
        '{"url":', to_json(g.url),
        ',"alt":', to_json(g.alt),
        ',"width":', coalesce(g.width::text, 'null'),
        ',"height":', coalesce(g.height::text, 'null'), '}'), ',') AS images
    FROM (SELECT url, alt, width, height FROM image WHERE image.product_id = p.id ORDER BY position) g
) i ON true
WHERE p.id = ANY (ids)
$$;

-- Rows are named by their keys, and tables that grew since anybody looked make the planner believe that it would soon
-- have read all of them.
CREATE OR REPLACE FUNCTION settle_products() RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
SET jit = off
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = on
SET enable_mergejoin = on
AS $$
DECLARE
    -- In stretches that stay in memory, by rising id: of two transactions that touch the same products neither
    -- waits for the other while it holds what the other wants.
    stretch  bigint[];
    fresh    bigint[];
    existing bigint[];
    last     bigint := -9223372036854775808;
    settled  boolean := false;
BEGIN
    LOOP
        SELECT array_agg(c.product_id ORDER BY c.product_id),
               array_agg(c.product_id ORDER BY c.product_id) FILTER (WHERE c.created),
               array_agg(c.product_id ORDER BY c.product_id) FILTER (WHERE NOT c.created)
        INTO stretch, fresh, existing
        FROM (
            SELECT product_id, created
            FROM product_change
            WHERE xid = pg_current_xact_id() AND product_id > last
            ORDER BY product_id
            LIMIT 1000
        ) c;
        EXIT WHEN stretch IS NULL;
        settled := true;
        last := stretch[array_upper(stretch, 1)];
        IF existing IS NOT NULL THEN
            -- Who commits second waits here, and then reads the version, and below the rows, of who was first.
            PERFORM 1 FROM product WHERE id = ANY (existing) ORDER BY id FOR NO KEY UPDATE;
            UPDATE product
            SET version = version + 1, updated_at = date_trunc('milliseconds', clock_timestamp())
            WHERE id = ANY (existing);
            DELETE FROM product_listing WHERE product_id = ANY (existing);
            DELETE FROM product_tag WHERE product_id = ANY (existing);
        END IF;
        WITH settled AS MATERIALIZED (
            SELECT
                p.id, p.version, p.deleted_at, p.published_at, p.updated_at, p.tags, p.vendor, p.product_type,
                p.category, d.body, d.currency, d.price_minor, d.availability,
                -- Long titles differ early or not at all, and the key is part of the cursor.
                lower(substr(p.title, 1, 80) COLLATE "C") AS title_key,
                CASE WHEN p.rating_count > 0 THEN 1000 * p.rating_sum / p.rating_count ELSE 0 END AS rating,
                p.rating_count + coalesce(w.views, 0) / 100 AS popularity
            FROM documents(stretch) d
            JOIN product p ON p.id = d.product_id
            LEFT JOIN product_views w ON w.product_id = p.id
            WHERE p.id = ANY (stretch)
            ORDER BY p.id
        ),
        told AS (
            INSERT INTO catalog_outbox (product_id, version, kind)
            SELECT
                id,
                version,
                CASE
                    WHEN deleted_at IS NOT NULL THEN 'deleted'
                    WHEN id = ANY (existing) THEN 'updated'
                    ELSE 'created'
                END
            FROM settled
        ),
        tagged AS (
            INSERT INTO product_tag (tag, rating_count, rating, product_id)
            SELECT DISTINCT t.tag, s.popularity, s.rating, s.id
            FROM settled s
            CROSS JOIN unnest(s.tags) AS t (tag)
            WHERE s.body IS NOT NULL
        ),
        listed AS (
            INSERT INTO product_listing (
                product_id, published_at, updated_at, title_key, vendor, product_type, category, currency,
                price_minor, availability, rating, rating_count)
            SELECT
                id, published_at, updated_at, title_key, vendor, product_type, category, currency,
                price_minor, availability, rating, popularity
            FROM settled
            WHERE body IS NOT NULL
        ),
        rebuilt AS (
            INSERT INTO product_document
            SELECT id, version, body, currency, price_minor, availability FROM settled WHERE id = ANY (existing)
            ON CONFLICT (product_id) DO UPDATE SET
                version = excluded.version,
                body = excluded.body,
                currency = excluded.currency,
                price_minor = excluded.price_minor,
                availability = excluded.availability
        )
        INSERT INTO product_document
        SELECT id, version, body, currency, price_minor, availability FROM settled WHERE id = ANY (fresh);
    END LOOP;
    IF settled THEN
        DELETE FROM product_change WHERE xid = pg_current_xact_id();
        PERFORM pg_notify('catalog_outbox', '');
    END IF;
END
$$;

-- Most of what a transaction touches it has touched before, which needs one look. The others have to be there.
CREATE OR REPLACE FUNCTION note_products(ids bigint[], created boolean) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
    other bigint[] := ids;
BEGIN
    IF NOT created THEN
        -- OFFSET 0 keeps the look from being made a join, which would be one with all that the transaction touched.
        SELECT array_agg(id) INTO other
        FROM unnest(ids) AS id
        WHERE NOT EXISTS (
            SELECT 1 FROM product_change c WHERE c.xid = pg_current_xact_id() AND c.product_id = id OFFSET 0);
        IF other IS NOT NULL
            AND (SELECT count(*) FROM product WHERE id = ANY (other)) < cardinality(other)
        THEN
            RAISE EXCEPTION 'there is no such product' USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    IF other IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO product_change (xid, product_id, created)
    SELECT pg_current_xact_id(), id, note_products.created FROM unnest(other) AS id;
    INSERT INTO settlement_due VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION part_inserted() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    touched bigint[];
    highest bigint;
BEGIN
    SELECT array_agg(DISTINCT product_id), max(id) INTO touched, highest FROM new_row;
    PERFORM note_products(touched, false);
    IF tg_table_name = 'variant' THEN
        PERFORM pass_by('variant_id_seq', highest);
    END IF;
    RETURN NULL;
END
$$;
