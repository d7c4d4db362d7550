-- One whose day is over gives way.
INSERT INTO idempotency_key (token_id, key, request, status, headers, body)
VALUES ($1, $2, $3, $4, $5::json, $6)
ON CONFLICT (token_id, key) DO UPDATE SET
    request = excluded.request, status = excluded.status, headers = excluded.headers, body = excluded.body,
    created_at = excluded.created_at
