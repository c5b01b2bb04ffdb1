-- wrk: posts the review in the file that REVIEW names, and prints its figures as one line.

local file = assert(io.open(os.getenv("REVIEW"), "rb"))
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = file:read("*a")
file:close()

done = function(summary, latency)
  local errors = summary.errors
  local sum = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("figures %d %d %d %d %d\n", summary.requests, summary.duration, sum,
    latency:percentile(50), latency:percentile(99)))
end
