-- Settlement, step 1: every product touched and not new gets the next version.
UPDATE product
SET version = version + 1, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE id IN (SELECT product_id FROM product_change WHERE NOT created)
