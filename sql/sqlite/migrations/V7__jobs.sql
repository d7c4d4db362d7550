-- The queue of jobs. Times are milliseconds since 1970 in UTC: they are compared and added to, and nobody is shown them.

-- Jobs that are still to be done, or being done. What has ended leaves for `job_ended`, so that this table and its
-- indexes stay as small as the work that waits, and a unique key counts among live jobs alone.
CREATE TABLE job (
    -- Never given twice: who holds the number of a job that has ended must not find another one.
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL,
    -- `ready` needs no clock to be begun: what is to be done now is done, whatever a clock says.
    state        TEXT    NOT NULL CHECK (state IN ('ready', 'scheduled', 'running')),
    -- Lower ones first, among the jobs of one kind.
    priority     INTEGER NOT NULL DEFAULT 0,
    run_at       INTEGER NOT NULL,
    -- How often it was begun. Counted at the beginning, so that one that kills its process comes to an end, too.
    attempt      INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL CHECK (max_attempts > 0),
    started_at   INTEGER,
    -- Who does it, and until when nobody else may.
    worker       TEXT,
    lease_until  INTEGER,
    -- Rises each time it is begun: a worker that was thought dead cannot end what another one does.
    fence        INTEGER NOT NULL DEFAULT 0,
    is_cancelled INTEGER NOT NULL DEFAULT 0 CHECK (is_cancelled IN (0, 1)),
    unique_key   TEXT,
    -- Asked for again while it was running, for this time: what it read may be older than what it is to see.
    again_at     INTEGER,
    payload      TEXT    NOT NULL CHECK (json_valid(payload)),
    -- [{"attempt", "at", "error"}], oldest first.
    errors       TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(errors) = 'array'),
    -- Of the request that it came from.
    trace        TEXT,
    created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX job_ready ON job (kind, priority, id) WHERE state = 'ready';
CREATE INDEX job_scheduled ON job (run_at) WHERE state = 'scheduled';
CREATE INDEX job_running ON job (lease_until) WHERE state = 'running';
CREATE UNIQUE INDEX job_unique ON job (kind, unique_key) WHERE unique_key IS NOT NULL;

-- What became of jobs: rows come at one end and go at the other, in batches.
CREATE TABLE job_ended (
    id           INTEGER PRIMARY KEY,
    kind         TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('done', 'dead', 'cancelled')),
    priority     INTEGER NOT NULL,
    run_at       INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    started_at   INTEGER,
    worker       TEXT,
    fence        INTEGER NOT NULL,
    unique_key   TEXT,
    payload      TEXT    NOT NULL,
    errors       TEXT    NOT NULL,
    trace        TEXT,
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX job_ended_age ON job_ended (ended_at);
-- Dead letters are few, and looked for.
CREATE INDEX job_dead ON job_ended (kind, id) WHERE state = 'dead';

-- What is said of a kind, wherever its jobs are done. A kind of which nothing was said has no row.
CREATE TABLE job_kind (
    kind      TEXT PRIMARY KEY,
    is_paused INTEGER NOT NULL DEFAULT 0 CHECK (is_paused IN (0, 1)),
    -- Where its jobs are limited to a rate: when the next one is due by that rate (GCRA).
    next_at   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Up to when each schedule has been enqueued, so that several processes enqueue each turn once.
CREATE TABLE job_schedule (
    name    TEXT PRIMARY KEY,
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
