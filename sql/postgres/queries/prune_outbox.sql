WITH pruned AS (
    DELETE FROM catalog_outbox WHERE created_at < now() - interval '7 days' RETURNING xid
)
UPDATE catalog_outbox_horizon
SET xid = greatest(xid, (SELECT max(xid) FROM pruned))
WHERE EXISTS (SELECT 1 FROM pruned)
