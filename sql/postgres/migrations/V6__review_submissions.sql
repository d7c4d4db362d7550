-- What customers sent, and what was decided on it. A table of its own beside `review`: an import that says the reviews of
-- a product replaces those rows, and what a customer was told is not its to change.
CREATE TABLE review_submission (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES product (id),
    rating     bigint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    title      text NOT NULL,
    body       text NOT NULL,
    author     text NOT NULL,
    -- HMAC-SHA-256 of whom the shop says it is from, so that nobody is known by it.
    customer   bytea NOT NULL CHECK (length(customer) = 32),
    status     text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'held', 'published', 'rejected')),
    -- Why it was held or rejected: a word for programs.
    reason     text,
    -- Whether the product's rating has it.
    is_counted boolean NOT NULL DEFAULT false,
    created_at timestamptz(3) NOT NULL DEFAULT date_trunc('milliseconds', now())
);
-- One for each customer and product; after a rejection another one.
CREATE UNIQUE INDEX review_submission_of_customer ON review_submission (product_id, customer) WHERE status <> 'rejected';
CREATE INDEX review_submission_uncounted ON review_submission (product_id) WHERE status = 'published' AND NOT is_counted;
CREATE INDEX review_submission_held ON review_submission (id) WHERE status = 'held';
