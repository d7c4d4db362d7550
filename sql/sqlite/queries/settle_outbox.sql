-- Settlement, step 6: one outbox row for each version made.
INSERT INTO catalog_outbox (product_id, version, kind, created_at)
SELECT
    p.id,
    p.version,
    CASE
        WHEN p.deleted_at IS NOT NULL THEN 'deleted'
        WHEN c.created THEN 'created'
        ELSE 'updated'
    END,
    -- A subquery, so that the time is written once and not for each row.
    (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
FROM product_change c
CROSS JOIN product p ON p.id = c.product_id
