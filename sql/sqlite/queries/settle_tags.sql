-- Settlement, step 5: their tags. The same tag twice counts once. CROSS JOIN, since the planner would walk all
-- products to find the few that changed.
INSERT OR IGNORE INTO product_tag (tag, rating_count, rating, product_id)
SELECT t.value, l.rating_count, l.rating, l.product_id
FROM product_change c
CROSS JOIN product_listing l ON l.product_id = c.product_id
CROSS JOIN product p ON p.id = c.product_id
CROSS JOIN json_each(p.tags) t
-- Most products of some shops have none, and taking [] apart costs as much as a write.
WHERE p.tags <> '[]' AND t.type = 'text'
