-- Drops what there is of a key, whatever it is, and voids the lease; tells the others.
-- KEYS: record, lease. ARGV: version, the fence's record, its milliseconds, the beginning of what is meant, channel,
-- message or nothing.
-- What came in meanwhile with a newer version stays. Returns 1 where something was dropped.
local record, version = read(KEYS[1])
local is_meant = type(record) ~= 'string' or ARGV[4] ~= '' and string.sub(record, 1, #ARGV[4]) == ARGV[4]
local drops = is_meant or version <= tonumber(ARGV[1])
local was_there = redis.call('EXISTS', KEYS[1])
if drops then
  if ARGV[1] == '0' then
    redis.call('DEL', KEYS[1])
  else
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  end
end
redis.call('DEL', KEYS[2])
if ARGV[6] ~= '' then
  redis.call('PUBLISH', ARGV[5], ARGV[6])
end
return drops and was_there or 0
