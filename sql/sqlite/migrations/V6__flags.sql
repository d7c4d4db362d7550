-- Flags: what operators have said of them, and who said what.

-- The word in force for each flag of which something was said.
CREATE TABLE flag (
    key        TEXT PRIMARY KEY,
    -- In flagd's format. NULL: taken back, and what is built in holds.
    definition TEXT CHECK (definition IS NULL OR json_valid(definition)),
    reason     TEXT NOT NULL DEFAULT '',
    set_by     TEXT NOT NULL,
    set_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    -- From then on it is as if nothing had been said. NULL: never.
    expires_at TEXT
) STRICT, WITHOUT ROWID;

-- Every word, the last one too, written by the same transaction.
CREATE TABLE flag_history (
    id         INTEGER PRIMARY KEY,
    key        TEXT NOT NULL,
    definition TEXT,
    reason     TEXT NOT NULL,
    set_by     TEXT NOT NULL,
    set_at     TEXT NOT NULL,
    expires_at TEXT
) STRICT;
CREATE INDEX flag_history_of_key ON flag_history (key, id);
