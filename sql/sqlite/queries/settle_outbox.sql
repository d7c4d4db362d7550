-- Settlement, step 3: one outbox row for each version made.
INSERT INTO catalog_outbox (product_id, version, kind)
SELECT
    p.id,
    p.version,
    CASE
        WHEN p.deleted_at IS NOT NULL THEN 'deleted'
        WHEN c.created THEN 'created'
        ELSE 'updated'
    END
FROM product_change c
JOIN product p ON p.id = c.product_id
