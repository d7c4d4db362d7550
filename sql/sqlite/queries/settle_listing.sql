-- Settlement, step 4: those that are public come back as they are now.
INSERT INTO product_listing (
    product_id, published_at, updated_at, title_key, vendor, product_type, category, currency,
    price_minor, availability, rating, rating_count)
SELECT
    l.product_id, l.published_at, l.updated_at, l.title_key, l.vendor, l.product_type, l.category,
    l.currency, l.price_minor, l.availability, l.rating, l.rating_count
FROM listed_product l
-- IN, since the planner would walk all products to join them to what changed.
WHERE l.product_id IN (SELECT product_id FROM product_change)
