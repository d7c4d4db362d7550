-- One whose day is over gives way.
INSERT OR REPLACE INTO idempotency_key (token_id, key, request, status, headers, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
