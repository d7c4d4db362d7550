INSERT INTO product (
    title, description_html, vendor, product_type, category, tags, status, published_at, options, seo_title,
    seo_description, attributes, rating_sum, rating_count, id, handle, version, created_at, updated_at)
VALUES (
    $1, coalesce($2, ''), coalesce($3, ''), coalesce($4, ''), coalesce($5, ''), coalesce($6, '{}'),
    coalesce($7, 'active'),
    CASE WHEN $8 IS FALSE THEN NULL ELSE coalesce($9, $18, $16)::timestamptz END,
    coalesce($10, '[]')::json, nullif($11, ''), nullif($12, ''), coalesce($13, '{}')::json, coalesce($14, 0),
    coalesce($15, 0), coalesce($17, nextval('product_id_seq')), $19, coalesce($20, 1),
    coalesce($18, $21, $16)::timestamptz, coalesce($21, $16)::timestamptz)
RETURNING id
