-- Takes allowances from all windows of a count, or from none where one has none left (GCRA, as of ITU-T I.371).
--
-- KEYS[1]: the count, a hash of theoretical arrival times by window.
-- ARGV: how many are wanted, then for each window its name, quota and length in microseconds.
-- Answers how many were granted, then for each window how many are left, the microseconds until there is one again (0
-- where there is), and those until there are all.
--
-- One clock for all nodes: the server's. Its origin is moved so that doubles have room for fractions.
local time = redis.call('TIME')
local now = (time[1] - 1700000000) * 1000000 + time[2]
local granted = tonumber(ARGV[1])
local names, windows = {}, {}
for at = 2, #ARGV, 3 do
  names[#names + 1] = ARGV[at]
  local quota, length = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  windows[#windows + 1] = { quota = quota, length = length, interval = length / quota }
end
local arrivals = redis.call('HMGET', KEYS[1], unpack(names))
for at, window in ipairs(windows) do
  local arrival = math.max(tonumber(arrivals[at] or now) or now, now)
  -- Further away than a whole quota it is that of a clock that went back, or of another quota.
  window.arrival = math.min(arrival, now + window.length)
  -- A thousandth is what rounding may take.
  window.free = math.floor((now + window.length - window.arrival) / window.interval + 0.001)
  granted = math.min(granted, window.free)
end
local answer, last = { granted }, now
for _, window in ipairs(windows) do
  local wait = 0
  if granted > 0 then
    window.arrival = window.arrival + granted * window.interval
    window.free = window.free - granted
  elseif window.free < 1 then
    wait = math.max(1, math.ceil(window.arrival + window.interval - window.length - now))
  end
  last = math.max(last, window.arrival)
  answer[#answer + 1] = window.free
  answer[#answer + 1] = wait
  answer[#answer + 1] = math.ceil(window.arrival - now)
end
if granted > 0 then
  local fields = {}
  for at, window in ipairs(windows) do
    fields[#fields + 1] = names[at]
    fields[#fields + 1] = string.format('%.3f', window.arrival)
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], math.ceil((last - now) / 1000) + 1)
end
return answer
