-- What a server is, and how far it has come in the write-ahead log, in bytes.
SELECT
    is_replica,
    pg_wal_lsn_diff(
        CASE WHEN is_replica THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END,
        '0/0'
    ),
    pg_wal_lsn_diff(
        CASE
            WHEN is_replica THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            ELSE pg_current_wal_insert_lsn()
        END,
        '0/0'
    ),
    pg_postmaster_start_time(),
    -- `pg_control_checkpoint` would tell of a promotion only after the next checkpoint.
    CASE WHEN NOT is_replica THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END
FROM (SELECT pg_is_in_recovery() AS is_replica) s
