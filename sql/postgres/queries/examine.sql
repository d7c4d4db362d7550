-- What an operator's doctor asks of a server; the same on a primary and a replica.
SELECT
    version.setting,
    pg_is_in_recovery(),
    (extract(epoch FROM clock_timestamp()) * 1000)::int8,
    has_database_privilege(current_database(), 'TEMPORARY'),
    has_function_privilege('pg_control_system()', 'EXECUTE')
        AND has_function_privilege('pg_control_checkpoint()', 'EXECUTE'),
    (SELECT coalesce(array_agg(c.relname::text ORDER BY c.relname), '{}')
     FROM pg_class c
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
         AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
             AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))),
    (SELECT count(*) FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND application_name <> 'doorbuster'),
    pg_database_size(current_database()),
    coalesce((extract(epoch FROM now() - pg_last_xact_replay_timestamp()) * 1000)::int8, 0),
    pg_is_in_recovery() AND coalesce(pg_last_wal_receive_lsn() <> pg_last_wal_replay_lsn(), true),
    (SELECT count(*) FROM pg_stat_replication)
FROM pg_settings version
WHERE version.name = 'server_version'
