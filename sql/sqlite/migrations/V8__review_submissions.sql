-- What customers sent, and what was decided on it. A table of its own beside `review`: an import that says the reviews of
-- a product replaces those rows, and what a customer was told is not its to change.
CREATE TABLE review_submission (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    product_id INTEGER NOT NULL REFERENCES product (id),
    rating     INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
    title      TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    author     TEXT    NOT NULL,
    -- HMAC-SHA-256 of whom the shop says it is from, so that nobody is known by it.
    customer   BLOB    NOT NULL CHECK (length(customer) = 32),
    status     TEXT    NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'held', 'published', 'rejected')),
    -- Why it was held or rejected: a word for programs.
    reason     TEXT,
    -- Whether the product's rating has it.
    is_counted INTEGER NOT NULL DEFAULT 0 CHECK (is_counted IN (0, 1)),
    created_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
-- One for each customer and product; after a rejection another one.
CREATE UNIQUE INDEX review_submission_of_customer ON review_submission (product_id, customer) WHERE status <> 'rejected';
CREATE INDEX review_submission_uncounted ON review_submission (product_id) WHERE status = 'published' AND is_counted = 0;
CREATE INDEX review_submission_held ON review_submission (id) WHERE status = 'held';
