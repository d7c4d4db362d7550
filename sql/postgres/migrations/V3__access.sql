-- Who may write, which writes were done already, and what was written to the stock.

-- Bearer tokens. The secret part is known to its bearer alone; `hash` is the SHA-256 of the whole token.
CREATE TABLE token (
    -- The public part of the token, by which it is found: twelve hexadecimal digits.
    id           text COLLATE "C" PRIMARY KEY,
    name         text NOT NULL,
    hash         bytea NOT NULL CHECK (length(hash) = 32),
    -- Separated by spaces.
    scopes       text NOT NULL,
    created_at   timestamptz(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),
    -- NULL: never.
    expires_at   timestamptz(3),
    -- To within an hour.
    last_used_at timestamptz(3),
    revoked_at   timestamptz(3)
);

-- The answers to writes that came with an `Idempotency-Key`, written by the transaction that did the write, so
-- that a crash leaves both or neither.
CREATE TABLE idempotency_key (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_id   text COLLATE "C" NOT NULL REFERENCES token (id) ON DELETE CASCADE,
    key        text COLLATE "C" NOT NULL,
    -- SHA-256 of what was asked.
    request    bytea NOT NULL CHECK (length(request) = 32),
    status     integer NOT NULL,
    -- Names and values.
    headers    json NOT NULL CHECK (json_typeof(headers) = 'object'),
    body       bytea NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),
    UNIQUE (token_id, key)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);

-- Every change of exact stock that came through the API, oldest first: who asks why a number is what it is
-- reads it here. Rows outlive their variants, so they name them and refer to none.
CREATE TABLE stock_adjustment (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    variant_id bigint NOT NULL,
    sku        text NOT NULL,
    delta      bigint NOT NULL,
    reason     text NOT NULL,
    -- Units in the warehouse afterwards.
    on_hand    bigint NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT date_trunc('milliseconds', now())
);
CREATE INDEX stock_adjustment_of_variant ON stock_adjustment (variant_id);
