SELECT seq, product_id, version, created_at FROM catalog_outbox WHERE seq >= ?1 ORDER BY seq LIMIT ?2
