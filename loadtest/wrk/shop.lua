-- What customers of a shop ask: products by Zipf's law, some lists, searches, stock.
-- Usage: wrk -s shop.lua URL -- REQUESTS_FILE [ASKED]
-- A line of the file is a path; they were drawn beforehand. Each thread begins elsewhere, after those that were ASKED for
-- by runs before.

dofile(debug.getinfo(1, "S").source:match("^@(.*)/") .. "/report.lua")

local requests = {}
local turn = 0
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
  turn = math.floor(#requests / 7) * number + tonumber(args[2] or 0)
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
