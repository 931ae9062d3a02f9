-- wrk: looks at one payment after the other, by the ids in a file, a line each; then from the front again.
local ids = {}
local at = 0

function init(args)
  for id in io.lines(args[1]) do
    ids[#ids + 1] = id
  end
  wrk.headers["Authorization"] = "Bearer bench-only-key"
end

function request()
  at = at % #ids + 1
  return wrk.format("GET", "/v1/payments/" .. ids[at])
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %.1f %.3f %.3f %d\n", summary.requests,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
