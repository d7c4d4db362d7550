-- The first transaction that may have committed within the last so many seconds. A row bears the time at which it
-- was made, at the end of its transaction; what takes longer than the second parameter from there to its commit is not
-- found by it.
SELECT least(
    pg_snapshot_xmin(pg_current_snapshot()),
    (SELECT min(xid) FROM catalog_outbox WHERE created_at >= now() - make_interval(secs => $1 + $2))
)::text
