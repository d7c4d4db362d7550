INSERT INTO product (
    id, handle, title, description_html, vendor, product_type, category, tags, status, published_at,
    options, seo_title, seo_description, attributes, rating_sum, rating_count, version, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
