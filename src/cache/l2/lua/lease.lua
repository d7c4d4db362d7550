-- The record of a key, or the right to load it.
-- KEYS: record, lease. ARGV: token, milliseconds of the lease, now, whether to take it from its holder, the
-- beginning of a record that nobody can read.
-- Returns the record; or {fence} to the one who is to load; or 0 where another one is at it.
local record, version, kind = read(KEYS[1])
if ARGV[5] ~= '' and type(record) == 'string' and string.sub(record, 1, #ARGV[5]) == ARGV[5] then
  redis.call('DEL', KEYS[1])
  version, kind = -1, 0
end
if ARGV[4] == '1' then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  return {version}
end
if kind == 1 or (kind == 2 or kind == 3) and struct.unpack('>I8', record, 21) > tonumber(ARGV[3]) then
  return record
end
-- A lease without an end is none of ours.
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) or redis.call('PTTL', KEYS[2]) < 0 then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  return {version}
end
return 0
