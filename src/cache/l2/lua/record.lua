-- Begins every script. What a record says: its version and its kind; -1 where there is none that we wrote.
local function read(key)
  local record = redis.pcall('GET', key)
  if type(record) == 'string' and #record >= 36
    and string.byte(record, 1) == 219 and string.byte(record, 2) == 1 then
    return record, struct.unpack('>I8', record, 5), string.byte(record, 3)
  end
  return record, -1, 0
end
