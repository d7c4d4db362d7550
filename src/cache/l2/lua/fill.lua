-- Keeps what was loaded under a lease, and ends the lease.
-- KEYS: record, lease. ARGV: token, version, the record or nothing, its milliseconds.
-- Returns 1; or 0 where the lease is gone; or {fence} where the fence forbids the version.
if redis.pcall('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[2])
if ARGV[3] == '' then
  return 1
end
local _, version = read(KEYS[1])
if version > tonumber(ARGV[2]) then
  return {version}
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1
