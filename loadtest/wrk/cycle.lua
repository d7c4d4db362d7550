-- Requests the paths of a file one after the other, again and again.
-- Usage: wrk -s cycle.lua URL -- PATHS_FILE

-- `done` runs in another Lua state than `init` does, so the report is loaded here.
dofile(debug.getinfo(1, "S").source:match("^@(.*)/") .. "/report.lua")

local requests = {}
local turn = 0

function init(args)
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
