-- A token by its public part; the last column is the milliseconds it is still good for.
SELECT
    hash, name, scopes, revoked_at IS NOT NULL,
    floor(1000 * extract(epoch FROM expires_at - clock_timestamp()))::bigint
FROM token
WHERE id = $1
