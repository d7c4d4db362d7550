INSERT INTO product (
    id, handle, title, description_html, vendor, product_type, category, tags, status, published_at,
    options, seo_title, seo_description, attributes, rating_sum, rating_count, version,
    created_at, updated_at)
VALUES (
    :id, :handle, :title, coalesce(:description_html, ''), coalesce(:vendor, ''),
    coalesce(:product_type, ''), coalesce(:category, ''), coalesce(:tags, '[]'),
    coalesce(:status, 'active'),
    CASE WHEN :published IS 0 THEN NULL ELSE coalesce(:published_at, :created_at, :now) END,
    coalesce(:options, '[]'), nullif(:seo_title, ''), nullif(:seo_description, ''),
    coalesce(:attributes, '{}'), coalesce(:rating_sum, 0), coalesce(:rating_count, 0),
    coalesce(:version, 1), coalesce(:created_at, :updated_at, :now), coalesce(:updated_at, :now))
