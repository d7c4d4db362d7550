-- Rows committed between two snapshots of this server, behind a row of theirs. Order by `seq` would miss what
-- commits late; here a row counts from the moment its transaction is visible, whoever else is still running. There is one
-- lower bound: of two, an index is read from the one that comes first, which is all that was kept for days.
SELECT xid::text, seq, product_id, version
FROM catalog_outbox
WHERE (xid, seq) > (
        greatest(pg_snapshot_xmin($1::pg_snapshot), $3::xid8),
        CASE WHEN $3::xid8 < pg_snapshot_xmin($1::pg_snapshot) THEN 0 ELSE $4 END)
    AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)
    AND pg_visible_in_snapshot(xid, $2::pg_snapshot)
-- Said with the table: of `xid` alone the text would be meant, by which 1000 comes before 999.
ORDER BY catalog_outbox.xid, seq
LIMIT $5
