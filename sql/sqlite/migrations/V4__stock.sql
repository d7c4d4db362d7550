-- Every change of exact stock that came through the API, oldest first: who asks why a number is what it is
-- reads it here. Rows outlive their variants, so they name them and refer to none.
CREATE TABLE stock_adjustment (
    id         INTEGER PRIMARY KEY,
    variant_id INTEGER NOT NULL,
    sku        TEXT    NOT NULL,
    delta      INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    -- Units in the warehouse afterwards.
    on_hand    INTEGER NOT NULL,
    created_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX stock_adjustment_of_variant ON stock_adjustment (variant_id);
