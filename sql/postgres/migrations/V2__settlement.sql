-- Whoever writes makes versions. Triggers note the products a statement touched; when the transaction commits,
-- or when it asks for it by settle_products(), each of them gets its next version, its document, its place in
-- the lists and its outbox row, once.

-- Products touched and not settled yet, of each running transaction. Empty between transactions, so a crash
-- has nothing to recover.
CREATE UNLOGGED TABLE product_change (
    xid        xid8 NOT NULL,
    product_id bigint NOT NULL,
    created    boolean NOT NULL,
    PRIMARY KEY (xid, product_id)
);

-- One row for each transaction with changes: its deferred trigger fires once a transaction, not once a product.
CREATE UNLOGGED TABLE settlement_due (
    xid xid8 PRIMARY KEY
);

-- Stable as to_json() is: with any other word it would be called, not put in place.
CREATE FUNCTION json_string(given text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(to_json(given)::text, 'null') $$;

-- RFC 3339, UTC, milliseconds.
CREATE FUNCTION rfc3339(given timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT to_char(given AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- The documents of some products. Text joined by hand, since the functions for JSON write spaces. Key order is
-- part of the API, and the bytes are those of the embedded store: sql/sqlite/queries/settle_documents.sql.
CREATE FUNCTION documents(ids bigint[]) RETURNS TABLE (
    product_id bigint, version bigint, body text, currency text, price_minor bigint, availability text)
LANGUAGE sql STABLE
AS $$
WITH touched_variant AS (
    SELECT
        p.id AS product_id, v.id, v.position, v.sku, v.barcode, v.option1, v.option2, v.option3,
        v.price_minor, v.compare_at_minor, v.currency, v.weight_g,
        CASE
            WHEN NOT v.inventory_tracked OR v.inventory_policy = 'continue' THEN 'in_stock'
            ELSE coalesce(i.level, 'out_of_stock')
        END COLLATE "C" AS availability,
        p.options -> 0 ->> 'name' AS name1,
        p.options -> 1 ->> 'name' AS name2,
        p.options -> 2 ->> 'name' AS name3
    FROM product p
    JOIN variant v ON v.product_id = p.id
    LEFT JOIN inventory i ON i.variant_id = v.id
    WHERE p.id = ANY (ids)
),
-- min(availability) is the best one: in_stock < low_stock < out_of_stock in alphabetical order.
summary AS (
    SELECT
        product_id,
        min(price_minor) AS min_minor,
        max(price_minor) AS max_minor,
        min(currency) AS currency,
        min(availability) AS availability,
        string_agg(concat(
            '{"id":', id,
            ',"sku":', json_string(sku),
            ',"barcode":', json_string(barcode),
            ',"options":{',
                CASE WHEN name1 IS NOT NULL THEN concat(json_string(name1), ':', json_string(option1)) END,
                CASE WHEN name1 IS NOT NULL AND name2 IS NOT NULL
                    THEN concat(',', json_string(name2), ':', json_string(option2)) END,
                CASE WHEN name1 IS NOT NULL AND name2 IS NOT NULL AND name3 IS NOT NULL
                    THEN concat(',', json_string(name3), ':', json_string(option3)) END,
            '},"price":{"amount_minor":', price_minor, ',"currency":', json_string(currency),
            '},"compare_at_price":', CASE
                WHEN compare_at_minor IS NULL THEN 'null'
                ELSE concat('{"amount_minor":', compare_at_minor, ',"currency":', json_string(currency), '}')
            END,
            ',"availability":"', availability,
            '","weight_g":', coalesce(weight_g::text, 'null'), '}'), ',' ORDER BY position) AS variants
    FROM touched_variant
    GROUP BY product_id
),
picture AS (
    SELECT
        product_id,
        string_agg(concat(
            '{"url":', json_string(url),
            ',"alt":', json_string(alt),
            ',"width":', coalesce(width::text, 'null'),
            ',"height":', coalesce(height::text, 'null'), '}'), ',' ORDER BY position) AS images
    FROM image
    WHERE product_id = ANY (ids)
    GROUP BY product_id
)
SELECT
    p.id,
    p.version,
    CASE WHEN p.status = 'active' AND p.published_at IS NOT NULL AND p.deleted_at IS NULL THEN
        concat(
            '{"id":', p.id,
            ',"handle":', json_string(p.handle),
            ',"title":', json_string(p.title),
            ',"description_html":', json_string(p.description_html),
            ',"vendor":', json_string(p.vendor),
            ',"product_type":', json_string(p.product_type),
            ',"category":', json_string(p.category),
            ',"tags":', array_to_json(p.tags),
            ',"status":"', p.status,
            '","options":', p.options,
            ',"price":', CASE
                WHEN s.currency IS NULL THEN 'null'
                ELSE concat(
                    '{"min":{"amount_minor":', s.min_minor, ',"currency":', json_string(s.currency),
                    '},"max":{"amount_minor":', s.max_minor, ',"currency":', json_string(s.currency), '}}')
            END,
            ',"availability":"', coalesce(s.availability, 'out_of_stock'),
            '","rating":{"average":', CASE
                WHEN p.rating_count = 0 THEN 'null'
                ELSE round(p.rating_sum::numeric / p.rating_count, 1)::text
            END,
            ',"count":', p.rating_count,
            '},"images":[', i.images,
            '],"variants":[', s.variants,
            '],"attributes":', p.attributes)
        || concat(
            ',"seo":{"title":', json_string(p.seo_title),
            ',"description":', json_string(p.seo_description),
            '},"version":', p.version,
            ',"created_at":"', rfc3339(p.created_at),
            '","updated_at":"', rfc3339(p.updated_at), '"}')
    END,
    s.currency,
    s.min_minor,
    coalesce(s.availability, 'out_of_stock')
FROM product p
LEFT JOIN summary s ON s.product_id = p.id
LEFT JOIN picture i ON i.product_id = p.id
WHERE p.id = ANY (ids)
$$;

-- Files some products in the lists, as their documents say.
CREATE FUNCTION list_products(ids bigint[]) RETURNS void
LANGUAGE sql
AS $$
INSERT INTO product_listing (
    product_id, published_at, updated_at, title_key, vendor, product_type, category, currency,
    price_minor, availability, rating, rating_count)
SELECT
    p.id, p.published_at, p.updated_at,
    -- Long titles differ early or not at all, and the key is part of the cursor.
    lower(substr(p.title, 1, 80) COLLATE "C"),
    p.vendor, p.product_type, p.category, d.currency, d.price_minor, d.availability,
    CASE WHEN p.rating_count > 0 THEN 1000 * p.rating_sum / p.rating_count ELSE 0 END,
    p.rating_count
FROM product p
JOIN product_document d ON d.product_id = p.id
WHERE p.id = ANY (ids) AND d.body IS NOT NULL;

INSERT INTO product_tag (tag, rating_count, rating, product_id)
SELECT DISTINCT t.tag, l.rating_count, l.rating, l.product_id
FROM product_listing l
JOIN product p ON p.id = l.product_id
CROSS JOIN unnest(p.tags) AS t (tag)
WHERE l.product_id = ANY (ids);
$$;

-- Turns everything this transaction touched into versions, documents, places in lists and outbox rows. Plans are
-- made anew: one of a small catalogue would be kept by a session that lives until it is large. What a stretch makes is
-- joined as the planner likes, whatever the session has it do.
CREATE FUNCTION settle_products() RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
SET jit = off
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
        IF fresh IS NOT NULL THEN
            INSERT INTO product_document SELECT * FROM documents(fresh);
        END IF;
        IF existing IS NOT NULL THEN
            -- Who commits second waits here, and then reads the version, and below the rows, of who was first.
            PERFORM 1 FROM product WHERE id = ANY (existing) ORDER BY id FOR NO KEY UPDATE;
            UPDATE product
            SET version = version + 1, updated_at = date_trunc('milliseconds', clock_timestamp())
            WHERE id = ANY (existing);
            INSERT INTO product_document SELECT * FROM documents(existing)
            ON CONFLICT (product_id) DO UPDATE SET
                version = excluded.version,
                body = excluded.body,
                currency = excluded.currency,
                price_minor = excluded.price_minor,
                availability = excluded.availability;
            DELETE FROM product_listing WHERE product_id = ANY (existing);
            DELETE FROM product_tag WHERE product_id = ANY (existing);
        END IF;
        PERFORM list_products(stretch);
        INSERT INTO catalog_outbox (product_id, version, kind)
        SELECT
            p.id,
            p.version,
            CASE
                WHEN p.deleted_at IS NOT NULL THEN 'deleted'
                WHEN p.id = ANY (existing) THEN 'updated'
                ELSE 'created'
            END
        FROM product p
        WHERE p.id = ANY (stretch);
    END LOOP;
    IF settled THEN
        DELETE FROM product_change WHERE xid = pg_current_xact_id();
        PERFORM pg_notify('catalog_outbox', '');
    END IF;
END
$$;

CREATE FUNCTION settle_at_commit() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM settle_products();
    DELETE FROM settlement_due WHERE xid = new.xid;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER settle_at_commit AFTER INSERT ON settlement_due
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION settle_at_commit();

-- Notes products for the settlement. Stands for foreign keys, too: products stay, so one that is there now needs no
-- lock. Planned anew for each list, as the settlement is.
CREATE FUNCTION note_products(ids bigint[], created boolean) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    IF ids IS NULL THEN
        RETURN;
    END IF;
    IF NOT created AND (SELECT count(*) FROM product WHERE id = ANY (ids)) < cardinality(ids) THEN
        RAISE EXCEPTION 'there is no such product' USING ERRCODE = 'foreign_key_violation';
    END IF;
    INSERT INTO product_change (xid, product_id, created)
    SELECT pg_current_xact_id(), id, note_products.created FROM unnest(ids) AS id
    ON CONFLICT DO NOTHING;
    INSERT INTO settlement_due VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
END
$$;

-- Whoever brings ids of his own moves the numbers that are given on behind them. Called one by one where that is
-- soon done: only that never falls behind what others were given meanwhile.
CREATE FUNCTION pass_by(sequence regclass, highest bigint) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF highest - coalesce(pg_sequence_last_value(sequence), 0) > 1000 THEN
        PERFORM setval(sequence, highest);
    END IF;
    WHILE coalesce(pg_sequence_last_value(sequence), 0) < highest LOOP
        PERFORM nextval(sequence);
    END LOOP;
END
$$;

CREATE FUNCTION product_created() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM note_products(array_agg(id), true), pass_by('product_id_seq', max(id)) FROM new_row;
    RETURN NULL;
END
$$;
CREATE TRIGGER product_created AFTER INSERT ON product
REFERENCING NEW TABLE AS new_row FOR EACH STATEMENT EXECUTE FUNCTION product_created();

-- Not for `version` and `updated_at`, which the settlement itself writes. A session keeps the plan, and the rows of a
-- statement have no index: for a thousand of them the plan for one would compare each with each.
CREATE FUNCTION product_updated() RETURNS trigger
LANGUAGE plpgsql
SET enable_nestloop = off
SET enable_hashjoin = on
AS $$
BEGIN
    PERFORM note_products(array_agg(n.id), false)
    FROM new_row n
    JOIN old_row o USING (id)
    WHERE (n.handle, n.title, n.description_html, n.vendor, n.product_type, n.category, n.tags, n.status,
           n.published_at, n.options::text, n.seo_title, n.seo_description, n.attributes::text, n.rating_sum,
           n.rating_count, n.created_at, n.deleted_at)
        IS DISTINCT FROM
          (o.handle, o.title, o.description_html, o.vendor, o.product_type, o.category, o.tags, o.status,
           o.published_at, o.options::text, o.seo_title, o.seo_description, o.attributes::text, o.rating_sum,
           o.rating_count, o.created_at, o.deleted_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER product_updated AFTER UPDATE ON product
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION product_updated();

-- Of images and variants.
CREATE FUNCTION part_inserted() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM note_products(array_agg(DISTINCT product_id), false) FROM new_row;
    IF tg_table_name = 'variant' THEN
        PERFORM pass_by('variant_id_seq', max(id)) FROM new_row;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION part_updated() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM note_products(array_agg(DISTINCT product_id), false)
    FROM (SELECT product_id FROM new_row UNION ALL SELECT product_id FROM old_row) touched;
    RETURN NULL;
END
$$;
CREATE FUNCTION part_deleted() RETURNS trigger
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    gone bigint[];
BEGIN
    PERFORM note_products(array_agg(DISTINCT product_id), false) FROM old_row;
    IF tg_table_name = 'variant' THEN
        gone := array_agg(id) FROM old_row;
        DELETE FROM inventory WHERE variant_id = ANY (gone);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER image_inserted AFTER INSERT ON image
REFERENCING NEW TABLE AS new_row FOR EACH STATEMENT EXECUTE FUNCTION part_inserted();
CREATE TRIGGER image_updated AFTER UPDATE ON image
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row FOR EACH STATEMENT EXECUTE FUNCTION part_updated();
CREATE TRIGGER image_deleted AFTER DELETE ON image
REFERENCING OLD TABLE AS old_row FOR EACH STATEMENT EXECUTE FUNCTION part_deleted();
CREATE TRIGGER variant_inserted AFTER INSERT ON variant
REFERENCING NEW TABLE AS new_row FOR EACH STATEMENT EXECUTE FUNCTION part_inserted();
CREATE TRIGGER variant_updated AFTER UPDATE ON variant
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row FOR EACH STATEMENT EXECUTE FUNCTION part_updated();
CREATE TRIGGER variant_deleted AFTER DELETE ON variant
REFERENCING OLD TABLE AS old_row FOR EACH STATEMENT EXECUTE FUNCTION part_deleted();

-- Notes the products of variants. Where not all are `there` that have to be, it stands for a foreign key.
CREATE FUNCTION note_variants(ids bigint[], have_to_be_there boolean) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    products bigint[];
    there    bigint;
BEGIN
    SELECT array_agg(DISTINCT product_id), count(*) INTO products, there FROM variant WHERE id = ANY (ids);
    IF have_to_be_there AND there < cardinality(ids) THEN
        RAISE EXCEPTION 'there is no such variant' USING ERRCODE = 'foreign_key_violation';
    END IF;
    PERFORM note_products(products, false);
END
$$;

-- A sale makes a new product version only when the level a customer sees changes.
CREATE FUNCTION inventory_inserted() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM note_variants(array_agg(variant_id), true) FROM new_row;
    RETURN NULL;
END
$$;
CREATE FUNCTION inventory_crossed() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM note_variants(array_agg(variant_id), false)
    FROM new_row n
    FULL JOIN old_row o USING (variant_id)
    WHERE n.level IS DISTINCT FROM o.level;
    RETURN NULL;
END
$$;
CREATE FUNCTION inventory_deleted() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM note_variants(array_agg(variant_id), false) FROM old_row;
    RETURN NULL;
END
$$;
CREATE TRIGGER inventory_inserted AFTER INSERT ON inventory
REFERENCING NEW TABLE AS new_row FOR EACH STATEMENT EXECUTE FUNCTION inventory_inserted();
CREATE TRIGGER inventory_crossed AFTER UPDATE ON inventory
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row FOR EACH STATEMENT EXECUTE FUNCTION inventory_crossed();
CREATE TRIGGER inventory_deleted AFTER DELETE ON inventory
REFERENCING OLD TABLE AS old_row FOR EACH STATEMENT EXECUTE FUNCTION inventory_deleted();

-- A removed row would take its version with it, and a later product could reuse the id with a lower one.
CREATE FUNCTION refuse() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '%', tg_argv[0] USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER product_stays BEFORE DELETE ON product
FOR EACH ROW EXECUTE FUNCTION refuse('products are never deleted: set deleted_at instead');
CREATE TRIGGER product_id_stays BEFORE UPDATE OF id ON product
FOR EACH ROW WHEN (new.id <> old.id) EXECUTE FUNCTION refuse('the id of a product never changes');
CREATE TRIGGER product_not_truncated BEFORE TRUNCATE ON product
FOR EACH STATEMENT EXECUTE FUNCTION refuse('products are never deleted: set deleted_at instead');
-- TRUNCATE tells no trigger which rows it removes.
CREATE TRIGGER image_not_truncated BEFORE TRUNCATE ON image
FOR EACH STATEMENT EXECUTE FUNCTION refuse('use DELETE, which makes versions of the products');
CREATE TRIGGER variant_not_truncated BEFORE TRUNCATE ON variant
FOR EACH STATEMENT EXECUTE FUNCTION refuse('use DELETE, which makes versions of the products');
CREATE TRIGGER inventory_not_truncated BEFORE TRUNCATE ON inventory
FOR EACH STATEMENT EXECUTE FUNCTION refuse('use DELETE, which makes versions of the products');
CREATE TRIGGER outbox_not_truncated BEFORE TRUNCATE ON catalog_outbox
FOR EACH STATEMENT EXECUTE FUNCTION refuse('use DELETE, which says up to where');
