-- The last row that is old enough, and the first that there is.
SELECT (SELECT max(seq) FROM catalog_outbox WHERE created_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?1)),
       (SELECT min(seq) FROM catalog_outbox)
