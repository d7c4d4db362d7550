-- What is counted behind the requests: how often products are looked at, and whose exact stock changed.

-- Added to by every process every few seconds. Counts are halved each week, so that what was looked at once gives way
-- to what is looked at now. Products are never deleted, so none of them is held for it.
CREATE TABLE product_views (
    product_id bigint PRIMARY KEY,
    views      bigint NOT NULL,
    halved_at  timestamptz(3) NOT NULL DEFAULT now()
)
WITH (fillfactor = 70);
CREATE INDEX product_views_age ON product_views (halved_at);

-- From here on the rating_count of product_listing and product_tag is what popularity goes by: ratings, and a hundredth
-- of the views. The name stays, since programs of the version before read it while this one takes over.
CREATE OR REPLACE FUNCTION list_products(ids bigint[]) RETURNS void
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
    p.rating_count + coalesce(w.views, 0) / 100
FROM product p
JOIN product_document d ON d.product_id = p.id
LEFT JOIN product_views w ON w.product_id = p.id
WHERE p.id = ANY (ids) AND d.body IS NOT NULL;

INSERT INTO product_tag (tag, rating_count, rating, product_id)
SELECT DISTINCT t.tag, l.rating_count, l.rating, l.product_id
FROM product_listing l
JOIN product p ON p.id = l.product_id
CROSS JOIN unnest(p.tags) AS t (tag)
WHERE l.product_id = ANY (ids);
$$;

-- Products whose exact stock is another, whoever wrote it, until receivers of webhooks are told. Nothing is noted while
-- nobody is told.
CREATE TABLE stock_change (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL
);
CREATE FUNCTION stock_inserted_noted() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM outbox_follower WHERE name = 'stock') THEN
        INSERT INTO stock_change (product_id)
        SELECT DISTINCT v.product_id FROM new_row n JOIN variant v ON v.id = n.variant_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION stock_updated_noted() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM outbox_follower WHERE name = 'stock') THEN
        INSERT INTO stock_change (product_id)
        SELECT DISTINCT v.product_id
        FROM new_row n
        JOIN old_row o USING (variant_id)
        JOIN variant v ON v.id = n.variant_id
        WHERE (n.on_hand, n.reserved) IS DISTINCT FROM (o.on_hand, o.reserved);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER stock_inserted_noted AFTER INSERT ON inventory
REFERENCING NEW TABLE AS new_row FOR EACH STATEMENT EXECUTE FUNCTION stock_inserted_noted();
CREATE TRIGGER stock_updated_noted AFTER UPDATE ON inventory
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION stock_updated_noted();

-- Imports that were asked for over HTTP, and what became of them.
CREATE TABLE import_run (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status     text NOT NULL DEFAULT 'receiving'
        CHECK (status IN ('receiving', 'waiting', 'running', 'done', 'failed')),
    -- Where the file is; NULL where it was sent, and is in import_chunk until the end.
    url        text,
    options    text NOT NULL,
    products   bigint NOT NULL DEFAULT 0,
    -- What it did, as JSON, or why it did nothing.
    outcome    text,
    error      text,
    -- What was left out, as JSON Lines.
    report     text NOT NULL DEFAULT '',
    created_at timestamptz(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),
    ended_at   timestamptz(3)
);
CREATE TABLE import_chunk (
    import_id bigint NOT NULL,
    position  bigint NOT NULL,
    bytes     bytea NOT NULL,
    PRIMARY KEY (import_id, position)
);
