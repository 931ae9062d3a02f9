-- wrk: every request creates a payment of its own. Prints one line the benchmark reads.
local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(args)
  counter = 0
  prefix = args[1]
  wrk.method = "POST"
  wrk.headers["Authorization"] = "Bearer bench-only-key"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  counter = counter + 1
  return wrk.format(nil, nil, nil, '{"merchant_order_no":"' .. prefix .. "-" .. id .. "-" .. counter ..
    '","amount":1000,"currency":"CNY","channel":"sandbox","subject":"Green tea, 250 g"}')
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %.1f %.3f %.3f %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
