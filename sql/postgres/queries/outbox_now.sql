-- Where the outbox stands: which history this is, what is committed, which transactions' rows may be gone, and how far
-- the log goes, in which timeline, by when everything that is committed was in it.
-- A dump that was read back is another system, a restored backup and a promoted standby another timeline. The control
-- file would tell of that only after the next checkpoint.
SELECT
    concat(system_identifier, '-', ('x' || timeline)::bit(32)::bigint),
    snapshot,
    h.xid::text,
    h.removed_by::text,
    ('x' || timeline)::bit(32)::bigint,
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint
FROM (
    SELECT
        (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
        pg_current_snapshot()::text AS snapshot,
        left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline
) s, catalog_outbox_horizon h
