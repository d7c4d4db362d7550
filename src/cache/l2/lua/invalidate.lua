-- Allows no version below this one: raises the fence, drops the value, voids the lease, tells the others.
-- KEYS: record, lease. ARGV: version, the fence's record, its milliseconds, channel, message, whether to tell the
-- others in any case.
-- Returns 1 where that was news.
local _, version = read(KEYS[1])
local is_news = version < tonumber(ARGV[1])
if is_news then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  redis.call('DEL', KEYS[2])
end
if is_news or ARGV[6] == '1' then
  redis.call('PUBLISH', ARGV[4], ARGV[5])
end
return is_news and 1 or 0
