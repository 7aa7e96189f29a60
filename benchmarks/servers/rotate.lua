-- For wrk: each request with the next token of a file, all made before the first is sent; what was
-- counted goes out as one line of JSON. A run begins anywhere in the file: it may be too short to
-- come to its end.

local requests = {}
local sent = 0

function init(args)
   for token in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format("GET", nil, {["Authorization"] = "Bearer " .. token})
   end
   math.randomseed(os.time())
   sent = math.random(#requests)
end

function request()
   sent = sent + 1
   return requests[(sent - 1) % #requests + 1]
end

function done(summary)
   local errors = summary.errors
   io.write(string.format(
      '{"answers": %d, "microseconds": %d, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout
   ))
end
