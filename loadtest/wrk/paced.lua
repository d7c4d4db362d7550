-- Pauses before each request, so that a server that could do more has time to spare.
-- Usage: wrk -s paced.lua URL -- LONGEST_PAUSE_MS

-- `done` runs in another Lua state than `init` does, so the report is loaded here.
dofile(debug.getinfo(1, "S").source:match("^@(.*)/") .. "/report.lua")

local longest = 1

function init(args)
  longest = tonumber(args[1])
end

-- Of the connections each waits for another time, else they would come all at once.
function delay()
  return math.random(1, longest)
end
