-- wrk: every request creates a payment of its own. Prints one line the benchmark reads.
local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

-- One request is laid out in full and cut where its number stands: laying out each of them would take
-- from the server the time the load generator needs for it.
function init(args)
  local number = "000000000"
  counter = 0
  wrk.method = "POST"
  wrk.headers["Authorization"] = "Bearer bench-only-key"
  wrk.headers["Content-Type"] = "application/json"
  local whole = wrk.format(nil, nil, nil, '{"merchant_order_no":"' .. args[1] .. "-" .. id .. "-" .. number ..
    '","amount":1000,"currency":"CNY","channel":"sandbox","subject":"Green tea, 250 g"}')
  local at = whole:find(number, 1, true)
  head = whole:sub(1, at - 1)
  tail = whole:sub(at + #number)
end

function request()
  counter = counter + 1
  return head .. string.format("%09d", counter) .. tail
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %.1f %.3f %.3f %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
