-- Rows committed between two snapshots of this server, behind a row of theirs. Order by `seq` would miss what
-- commits late; here a row counts from the moment its transaction is visible, whoever else is still running.
SELECT xid::text, seq, product_id, version
FROM catalog_outbox
WHERE xid >= pg_snapshot_xmin($1::pg_snapshot)
    AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)
    AND pg_visible_in_snapshot(xid, $2::pg_snapshot)
    AND (xid, seq) > ($3::xid8, $4)
ORDER BY xid, seq
LIMIT $5
