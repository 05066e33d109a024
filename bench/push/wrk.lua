-- Closed loop of pushes: POSTs the same body to each endpoint in turn.
-- Arguments: a file with lines "host path", and a file with the body.

local requests = {}
local turn = 0

function init(args)
  local file = assert(io.open(args[2], "rb"))
  local body = file:read("*a")
  file:close()
  for line in io.lines(args[1]) do
    local host, path = line:match("^(%S+) (%S+)$")
    local headers = { Host = host, TTL = "60", ["Content-Type"] = "application/octet-stream" }
    requests[#requests + 1] = wrk.format("POST", path, headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"bad":%d,"broken":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)
  ))
end
