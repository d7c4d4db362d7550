-- What became of the jobs of each kind, for ten seconds a row, of the last hour.
CREATE TABLE job_history (
    -- When the ten seconds began, in milliseconds since 1970.
    slot   INTEGER NOT NULL,
    kind   TEXT    NOT NULL,
    done   INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    -- How long they had been ready, and how long they took: JSON arrays of how many fell into each bucket, and sums in
    -- microseconds.
    waits  TEXT    NOT NULL,
    waited INTEGER NOT NULL,
    runs   TEXT    NOT NULL,
    ran    INTEGER NOT NULL,
    PRIMARY KEY (slot, kind)
) STRICT, WITHOUT ROWID;

-- What is forgotten after a day is found without a look at the dead letters that lie between it, which are kept for weeks.
DROP INDEX job_ended_age;
CREATE INDEX job_ended_age ON job_ended (ended_at) WHERE state <> 'dead';
CREATE INDEX job_dead_age ON job_ended (ended_at) WHERE state = 'dead';
