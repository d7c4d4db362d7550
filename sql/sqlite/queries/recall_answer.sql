SELECT request, status, headers, body
FROM idempotency_key
WHERE token_id = ?1 AND key = ?2 AND created_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')
