-- What is counted behind the requests: how often products are looked at, and whose exact stock changed.

-- Added to by every process every few seconds. Counts are halved each week, so that what was looked at once gives way
-- to what is looked at now.
CREATE TABLE product_views (
    product_id INTEGER PRIMARY KEY REFERENCES product (id),
    views      INTEGER NOT NULL,
    -- Seconds since 1970.
    halved_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX product_views_age ON product_views (halved_at);

-- From here on the rating_count of product_listing and product_tag is what popularity goes by: ratings, and a hundredth
-- of the views. The name stays, since programs of the version before read it while this one takes over.
DROP VIEW listed_product;
CREATE VIEW listed_product AS
SELECT
    p.id AS product_id,
    p.published_at,
    p.updated_at,
    -- Long titles differ early or not at all, and the key is part of the cursor.
    lower(substr(p.title, 1, 80)) AS title_key,
    p.vendor,
    p.product_type,
    p.category,
    d.currency,
    d.price_minor,
    d.availability,
    CASE
        WHEN p.rating_count > 0 THEN CAST(1000.0 * p.rating_sum / p.rating_count AS INTEGER)
        ELSE 0
    END AS rating,
    p.rating_count + coalesce(w.views, 0) / 100 AS rating_count
FROM product p
JOIN product_document d ON d.product_id = p.id
LEFT JOIN product_views w ON w.product_id = p.id
-- An outsider's change that is not settled yet may have taken the date from under the document.
WHERE d.body IS NOT NULL AND p.published_at IS NOT NULL;

-- Products whose exact stock is another, whoever wrote it, until receivers of webhooks are told. Nothing is noted while
-- nobody is told.
CREATE TABLE stock_change (
    id         INTEGER PRIMARY KEY,
    product_id INTEGER NOT NULL
) STRICT;
CREATE TRIGGER stock_inserted_noted AFTER INSERT ON inventory
WHEN EXISTS (SELECT 1 FROM outbox_follower WHERE name = 'stock')
BEGIN
    INSERT INTO stock_change (product_id) SELECT product_id FROM variant WHERE id = new.variant_id;
END;
CREATE TRIGGER stock_updated_noted AFTER UPDATE OF on_hand, reserved ON inventory
WHEN (new.on_hand, new.reserved) IS NOT (old.on_hand, old.reserved)
    AND EXISTS (SELECT 1 FROM outbox_follower WHERE name = 'stock')
BEGIN
    INSERT INTO stock_change (product_id) SELECT product_id FROM variant WHERE id = new.variant_id;
END;

-- Imports that were asked for over HTTP, and what became of them.
CREATE TABLE import_run (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    status     TEXT    NOT NULL DEFAULT 'receiving'
        CHECK (status IN ('receiving', 'waiting', 'running', 'done', 'failed')),
    -- Where the file is; NULL where it was sent, and is in import_chunk until the end.
    url        TEXT,
    options    TEXT    NOT NULL CHECK (json_valid(options)),
    products   INTEGER NOT NULL DEFAULT 0,
    -- What it did, as JSON, or why it did nothing.
    outcome    TEXT,
    error      TEXT,
    -- What was left out, as JSON Lines.
    report     TEXT    NOT NULL DEFAULT '',
    created_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    ended_at   TEXT
) STRICT;
CREATE TABLE import_chunk (
    import_id INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    bytes     BLOB    NOT NULL,
    PRIMARY KEY (import_id, position)
) STRICT;
