SELECT request, status, headers::text, body
FROM idempotency_key
WHERE token_id = $1 AND key = $2 AND created_at > now() - interval '1 day'
