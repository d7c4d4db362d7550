-- Writes the relations whose target exists; returns the handles of the others.
WITH given AS (
    SELECT * FROM unnest($1, $2, $3, $4) AS given (product_id, position, handle, kind)
),
written AS (
    INSERT INTO relation (product_id, position, related_id, kind)
    SELECT g.product_id, g.position, p.id, g.kind
    FROM given g
    JOIN product p ON p.handle = g.handle
)
SELECT owner.handle, g.handle
FROM given g
JOIN product owner ON owner.id = g.product_id
WHERE NOT EXISTS (SELECT 1 FROM product p WHERE p.handle = g.handle)
ORDER BY g.product_id, g.position
