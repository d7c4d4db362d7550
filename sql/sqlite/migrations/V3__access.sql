-- Who may write, and which writes were done already.

-- Bearer tokens. The secret part is known to its bearer alone; `hash` is the SHA-256 of the whole token.
CREATE TABLE token (
    -- The public part of the token, by which it is found: twelve hexadecimal digits.
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL CHECK (length(hash) = 32),
    -- Separated by spaces.
    scopes       TEXT NOT NULL,
    created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    -- NULL: never.
    expires_at   TEXT,
    -- To within an hour.
    last_used_at TEXT,
    revoked_at   TEXT
) STRICT, WITHOUT ROWID;

-- The answers to writes that came with an `Idempotency-Key`, written by the transaction that did the
-- write, so that a crash leaves both or neither.
CREATE TABLE idempotency_key (
    id         INTEGER PRIMARY KEY,
    token_id   TEXT    NOT NULL REFERENCES token (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,
    -- SHA-256 of what was asked.
    request    BLOB    NOT NULL CHECK (length(request) = 32),
    status     INTEGER NOT NULL,
    -- Names and values, as a JSON object.
    headers    TEXT    NOT NULL CHECK (json_type(headers) = 'object'),
    body       BLOB    NOT NULL,
    created_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (token_id, key)
) STRICT;
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);
