-- Where the outbox stands: which history this is, what is committed, and which transactions' rows may be gone.
-- A dump that was read back is another system, a restored backup and a promoted standby another timeline.
SELECT
    concat(s.system_identifier, '-', c.timeline_id),
    pg_current_snapshot()::text,
    h.xid::text,
    h.removed_by::text
FROM pg_control_system() s, pg_control_checkpoint() c, catalog_outbox_horizon h
