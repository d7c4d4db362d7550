-- A token by its public part; the last column is the milliseconds it is still good for.
SELECT
    hash, name, scopes, revoked_at IS NOT NULL,
    CAST(1000 * (unixepoch(expires_at, 'subsec') - unixepoch('now', 'subsec')) AS INTEGER)
FROM token
WHERE id = ?1
