-- For wrk: requests that are all different, so that no cache answers them; figures as a line of JSON at the end.
-- Numbers begin where the clock is, so that a later run does not ask what an earlier one has been answered.
local n = os.time() % 1000000 * 1000000
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

function request()
    n = n + 1
    local texts = string.format('{"texts":["how do I bake bread %d","a simple recipe for bread with four ingredients %d"]}', n, n)
    return wrk.format(nil, nil, nil, texts)
end

function done(summary, latency)
    local e = summary.errors
    local out = string.format('{"requests":%d,"seconds":%.6f,"errors":%d', summary.requests, summary.duration / 1e6,
        e.connect + e.read + e.write + e.status + e.timeout)
    for _, p in ipairs({50, 90, 95, 99, 99.9}) do
        out = out .. string.format(',"p%s":%.4f', tostring(p):gsub("%.", "_"), latency:percentile(p) / 1e3)
    end
    print("JSON " .. out .. string.format(',"max":%.4f}', latency.max / 1e3))
end
