-- A few of those whose day is over: more than one for each that is added, so that they do not pile up.
DELETE FROM idempotency_key WHERE id IN (
    SELECT id FROM idempotency_key
    WHERE created_at <= now() - interval '1 day'
    ORDER BY created_at
    LIMIT 4
    FOR UPDATE SKIP LOCKED)
