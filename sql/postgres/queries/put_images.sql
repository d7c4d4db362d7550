INSERT INTO image (product_id, position, url, alt, width, height)
SELECT * FROM unnest($1, $2, $3, $4, $5, $6) AS given (product_id, position, url, alt, width, height)
ON CONFLICT (product_id, position) DO UPDATE SET
    url = excluded.url, alt = excluded.alt, width = excluded.width, height = excluded.height
WHERE (image.url, image.alt, image.width, image.height)
    IS DISTINCT FROM (excluded.url, excluded.alt, excluded.width, excluded.height)
