-- What lists of products are filtered and sorted by: a row for each public product, written by the
-- settlement (queries/settle_listing.sql) in the transaction that made the version.

-- What a customer pays at least and whether it can be had, beside the document that says so: taking the
-- document apart for each list would cost more than building it.
ALTER TABLE product_document ADD COLUMN currency TEXT;
ALTER TABLE product_document ADD COLUMN price_minor INTEGER;
ALTER TABLE product_document ADD COLUMN availability TEXT;
UPDATE product_document SET
    currency = body ->> '$.price.min.currency',
    price_minor = body ->> '$.price.min.amount_minor',
    availability = body ->> '$.availability';

CREATE TABLE product_listing (
    product_id    INTEGER PRIMARY KEY REFERENCES product (id),
    published_at  TEXT    NOT NULL,
    updated_at    TEXT    NOT NULL,
    title_key     TEXT    NOT NULL,
    vendor        TEXT    NOT NULL,
    product_type  TEXT    NOT NULL,
    category      TEXT    NOT NULL,
    -- The lowest of the product; NULL where there is none.
    currency      TEXT,
    price_minor   INTEGER,
    availability  TEXT    NOT NULL,
    -- Thousandths of a star, 0 without ratings.
    rating        INTEGER NOT NULL,
    rating_count  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One for each sort. Each ends with the product id, the primary key: a page goes on behind an id, and a
-- rowid could not be part of that range.
CREATE INDEX listing_newest ON product_listing (published_at);
CREATE INDEX listing_updated ON product_listing (updated_at);
CREATE INDEX listing_price ON product_listing (currency, price_minor);
CREATE INDEX listing_title ON product_listing (title_key);
CREATE INDEX listing_rating ON product_listing (rating, rating_count);
-- For the filters that leave few.
CREATE INDEX listing_vendor ON product_listing (vendor);
CREATE INDEX listing_product_type ON product_listing (product_type);
CREATE INDEX listing_category ON product_listing (category);

CREATE TABLE product_tag (
    tag        TEXT    NOT NULL,
    product_id INTEGER NOT NULL REFERENCES product_listing (product_id) ON DELETE CASCADE,
    PRIMARY KEY (tag, product_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_of_product ON product_tag (product_id);

-- What `product_listing` holds. The document says what is public and what a customer pays.
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
    p.rating_count
FROM product p
JOIN product_document d ON d.product_id = p.id
-- An outsider's change that is not settled yet may have taken the date from under the document.
WHERE d.body IS NOT NULL AND p.published_at IS NOT NULL;

INSERT INTO product_listing (
    product_id, published_at, updated_at, title_key, vendor, product_type, category, currency,
    price_minor, availability, rating, rating_count)
SELECT
    product_id, published_at, updated_at, title_key, vendor, product_type, category, currency,
    price_minor, availability, rating, rating_count
FROM listed_product;

INSERT OR IGNORE INTO product_tag (tag, product_id)
SELECT t.value, l.product_id
FROM product_listing l
JOIN product p ON p.id = l.product_id
JOIN json_each(p.tags) t
WHERE t.type = 'text';

-- Keys that every process on this catalogue shares and no client learns. `cursor` signs the cursors of
-- lists; SQLite's generator is ChaCha20, seeded by the system.
CREATE TABLE secret (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO secret (name, value) VALUES ('cursor', randomblob(32));
