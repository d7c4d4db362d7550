-- What became of the jobs of each kind, for ten seconds a row, of the last hour.
CREATE TABLE job_history (
    -- When the ten seconds began, in milliseconds since 1970.
    slot   bigint NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    done   bigint NOT NULL,
    failed bigint NOT NULL,
    -- How long they had been ready, and how long they took: how many fell into each bucket, and sums in microseconds.
    waits  bigint[] NOT NULL,
    waited bigint NOT NULL,
    runs   bigint[] NOT NULL,
    ran    bigint NOT NULL,
    PRIMARY KEY (slot, kind)
)
-- Each row is written ten times by each process, in its page where there is room.
WITH (fillfactor = 50);

-- What is forgotten after a day is found without a look at the dead letters that lie between it, which are kept for weeks.
DROP INDEX job_ended_age;
CREATE INDEX job_ended_age ON job_ended (ended_at) WHERE state <> 'dead';
CREATE INDEX job_dead_age ON job_ended (ended_at) WHERE state = 'dead';

-- Who starts from a time finds the rows of a transaction by when they were made, which is at its end. By its beginning one
-- that took long was taken for older than it is.
ALTER TABLE catalog_outbox ALTER COLUMN created_at SET DEFAULT date_trunc('milliseconds', clock_timestamp());
