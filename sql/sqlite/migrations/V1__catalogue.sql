-- The catalogue of the embedded store. Times are RFC 3339 text in UTC with milliseconds, which sorts as
-- it reads; money is an integer of minor units; lists and maps are JSON text.

CREATE TABLE product (
    id               INTEGER PRIMARY KEY,
    handle           TEXT    NOT NULL UNIQUE,
    title            TEXT    NOT NULL,
    description_html TEXT    NOT NULL DEFAULT '',
    vendor           TEXT    NOT NULL DEFAULT '',
    product_type     TEXT    NOT NULL DEFAULT '',
    category         TEXT    NOT NULL DEFAULT '',
    tags             TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(tags) = 'array'),
    status           TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('draft', 'active', 'archived')),
    published_at     TEXT,
    options          TEXT    NOT NULL DEFAULT '[]' CHECK (json_array_length(options) <= 3),
    seo_title        TEXT,
    seo_description  TEXT,
    attributes       TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(attributes) AND attributes LIKE '{%'),
    rating_sum       INTEGER NOT NULL DEFAULT 0,
    rating_count     INTEGER NOT NULL DEFAULT 0,
    version          INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at       TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at       TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    deleted_at       TEXT,
    CHECK (rating_count >= 0 AND rating_sum BETWEEN rating_count AND 5 * rating_count)
) STRICT;

CREATE TABLE image (
    id         INTEGER PRIMARY KEY,
    product_id INTEGER NOT NULL REFERENCES product (id),
    position   INTEGER NOT NULL,
    url        TEXT    NOT NULL,
    alt        TEXT    NOT NULL DEFAULT '',
    width      INTEGER,
    height     INTEGER,
    UNIQUE (product_id, position)
) STRICT;

CREATE TABLE variant (
    id                INTEGER PRIMARY KEY,
    product_id        INTEGER NOT NULL REFERENCES product (id),
    position          INTEGER NOT NULL,
    sku               TEXT    UNIQUE,
    barcode           TEXT,
    mpn               TEXT,
    condition         TEXT,
    option1           TEXT,
    option2           TEXT,
    option3           TEXT,
    price_minor       INTEGER NOT NULL CHECK (price_minor >= 0),
    compare_at_minor  INTEGER CHECK (compare_at_minor >= 0),
    cost_minor        INTEGER CHECK (cost_minor >= 0),
    currency          TEXT    NOT NULL CHECK (length(currency) = 3),
    weight_g          INTEGER CHECK (weight_g >= 0),
    requires_shipping INTEGER NOT NULL DEFAULT 1 CHECK (requires_shipping IN (0, 1)),
    taxable           INTEGER NOT NULL DEFAULT 1 CHECK (taxable IN (0, 1)),
    tax_code          TEXT,
    inventory_tracked INTEGER NOT NULL DEFAULT 0 CHECK (inventory_tracked IN (0, 1)),
    inventory_policy  TEXT    NOT NULL DEFAULT 'deny' CHECK (inventory_policy IN ('deny', 'continue')),
    image_id          INTEGER REFERENCES image (id) ON DELETE SET NULL
) STRICT;
CREATE INDEX variant_of_product ON variant (product_id, position);
-- Without it, each removed image scans all variants for the foreign key above.
CREATE INDEX variant_with_image ON variant (image_id) WHERE image_id IS NOT NULL;

-- A table of its own, so that a sale does not touch the product. `level` is what a customer may know.
CREATE TABLE inventory (
    variant_id   INTEGER PRIMARY KEY REFERENCES variant (id) ON DELETE CASCADE,
    on_hand      INTEGER NOT NULL DEFAULT 0,
    reserved     INTEGER NOT NULL DEFAULT 0,
    low_stock_at INTEGER NOT NULL DEFAULT 5,
    level        TEXT GENERATED ALWAYS AS (
        CASE
            WHEN on_hand - reserved <= 0 THEN 'out_of_stock'
            WHEN on_hand - reserved <= low_stock_at THEN 'low_stock'
            ELSE 'in_stock'
        END) VIRTUAL
) STRICT;

CREATE TABLE relation (
    product_id INTEGER NOT NULL REFERENCES product (id),
    position   INTEGER NOT NULL,
    related_id INTEGER NOT NULL REFERENCES product (id),
    kind       TEXT    NOT NULL,
    PRIMARY KEY (product_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE review (
    id         INTEGER PRIMARY KEY,
    product_id INTEGER NOT NULL REFERENCES product (id),
    rating     INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
    title      TEXT    NOT NULL DEFAULT '',
    body       TEXT    NOT NULL DEFAULT '',
    author     TEXT    NOT NULL DEFAULT '',
    status     TEXT    NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'published', 'rejected')),
    created_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX review_of_product ON review (product_id, status, created_at);

-- What `GET /products/{id}` serves, built in the transaction that made the version. `body` is NULL while
-- the product is not public, so that "not public" is a version like any other.
CREATE TABLE product_document (
    product_id INTEGER PRIMARY KEY REFERENCES product (id),
    version    INTEGER NOT NULL,
    body       TEXT
) STRICT;

-- One row for each product version a transaction made. SQLite has one writer at a time, so the order of
-- `seq` is the order of commits; AUTOINCREMENT keeps it rising after old rows are removed.
CREATE TABLE catalog_outbox (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    product_id INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('created', 'updated', 'deleted')),
    created_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

-- Products touched since the last settlement (queries/settle_*.sql), filled by the triggers below. Our
-- own transactions settle before they commit; what another program wrote, the running server settles.
CREATE TABLE product_change (
    product_id INTEGER PRIMARY KEY,
    created    INTEGER NOT NULL
) STRICT;

CREATE TRIGGER product_created AFTER INSERT ON product BEGIN
    INSERT INTO product_change VALUES (new.id, 1) ON CONFLICT DO NOTHING;
END;

-- Not on `version` and `updated_at`, which the settlement itself writes.
CREATE TRIGGER product_updated AFTER UPDATE OF
    handle, title, description_html, vendor, product_type, category, tags, status, published_at, options,
    seo_title, seo_description, attributes, rating_sum, rating_count, created_at, deleted_at
ON product BEGIN
    INSERT INTO product_change VALUES (new.id, 0) ON CONFLICT DO NOTHING;
END;

-- A removed row would take its version with it, and a later product could reuse the id with a lower one.
CREATE TRIGGER product_stays BEFORE DELETE ON product BEGIN
    SELECT RAISE(ABORT, 'products are never deleted: set deleted_at instead');
END;

CREATE TRIGGER product_id_stays BEFORE UPDATE OF id ON product WHEN new.id <> old.id BEGIN
    SELECT RAISE(ABORT, 'the id of a product never changes');
END;

CREATE TRIGGER image_created AFTER INSERT ON image BEGIN
    INSERT INTO product_change VALUES (new.product_id, 0) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER image_updated AFTER UPDATE ON image BEGIN
    INSERT INTO product_change VALUES (old.product_id, 0), (new.product_id, 0) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER image_deleted AFTER DELETE ON image BEGIN
    INSERT INTO product_change VALUES (old.product_id, 0) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER variant_created AFTER INSERT ON variant BEGIN
    INSERT INTO product_change VALUES (new.product_id, 0) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER variant_updated AFTER UPDATE ON variant BEGIN
    INSERT INTO product_change VALUES (old.product_id, 0), (new.product_id, 0) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER variant_deleted AFTER DELETE ON variant BEGIN
    INSERT INTO product_change VALUES (old.product_id, 0) ON CONFLICT DO NOTHING;
END;

-- A sale makes a new product version only when the level a customer sees changes.
CREATE TRIGGER inventory_created AFTER INSERT ON inventory BEGIN
    INSERT INTO product_change SELECT product_id, 0 FROM variant WHERE id = new.variant_id
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER inventory_crossed AFTER UPDATE ON inventory WHEN new.level <> old.level BEGIN
    INSERT INTO product_change SELECT product_id, 0 FROM variant WHERE id = new.variant_id
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER inventory_deleted AFTER DELETE ON inventory BEGIN
    INSERT INTO product_change SELECT product_id, 0 FROM variant WHERE id = old.variant_id
    ON CONFLICT DO NOTHING;
END;
