-- For wrk: sends the tokens of a file in turn and writes the counts as one line of JSON. All requests
-- are made before the first is sent. A run begins at a random token, because it may be too short to
-- send all of them.

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
      '{"responses": %d, "microseconds": %d, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout
   ))
end
