-- How far those who follow the stream of versions have come that pass it on, and whom.
CREATE TABLE outbox_follower (
    name TEXT PRIMARY KEY,
    mark TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Receivers of webhooks that are not sent anything: one that was given up.
CREATE TABLE webhook_disabled (
    url    TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT, WITHOUT ROWID;

-- The newest version of each product that a receiver has taken.
CREATE TABLE webhook_sent (
    url        TEXT    NOT NULL,
    product_id INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    PRIMARY KEY (url, product_id)
) STRICT, WITHOUT ROWID;
