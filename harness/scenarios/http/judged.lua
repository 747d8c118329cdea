-- Exchanges that the judge watches: nothing is asked here but what it knows of
-- any dialogue. Each gives it something to look at.

local RESPONSES = {
  "http.method.head-no-body", "http.body.204", "http.body.304",
  "http.chunked.size-invalid", "http.chunked.bare-lf",
  "http.chunked.data-crlf", "http.chunked.ext-ctl", "http.chunked.ext-bws",
  "http.framing.chunked-once", "http.te.coding-unasked",
  "http.framing.cl-invalid-response", "http.framing.cl-repeat",
  "http.framing.extra-response-data", "http.field.date-add",
  "http.parse.fold-response", "http.parse.colon-space-response",
  "http.parse.value-ctl", "http.parse.name-token", "http.parse.no-colon",
  "http.parse.response-garbage", "http.upgrade.offered-only",
}

local ANSWERS = {
  { method = "GET" },
  { method = "HEAD", answer = { fields = { { "Content-Length", "16" } } } },
  { method = "GET", answer = { status = 204, bare = true, body = "",
                               fields = { { "Cache-Control", "no-store" } } } },
  { method = "GET", answer = { status = 304, bare = true, body = "",
                               fields = { { "ETag", '"a"' } } } },
  { method = "GET", answer = { chunked = { 1, 7 }, extension = ";a=b" } },
}

scenario "http.judged.responses" {
  title  = "responses of every framing are of the grammar, whoever made them",
  checks = RESPONSES,
  needs  = { "http-forward" },
  within = 20,
  run    = function (t)
    local client
    for _, wishes in ipairs(ANSWERS) do
      wishes = { method = wishes.method, answer = wishes.answer,
                 reuse = client, within = 2 }
      local x = t:exchange(wishes)
      client = x.client
      client:silent(0.1)
    end
  end,
}

-- A request, and a plain one on the same connection behind its answer. Sent
-- together they would be read together now and then, which changes answers.
local function try_two(t, first, fields)
  local w, c = t:witness {}, t:connect()
  t:outcome { origin = w, client = c, within = 2, send = http.request {
    to = w, path = "/" .. t:nonce(), method = first.method,
    version = first.version, body = first.body, target = first.target,
    fields = fields } }
  if c:send(http.request { to = w, path = "/" .. t:nonce() }) then
    c:response { within = 1 }
  end
end

scenario "http.judged.content" {
  title  = "content is not read as another request",
  checks = { "http.persist.drain" },
  needs  = { "http-forward" },
  run    = function (t)
    local x = t:exchange { method = "PUT", body = "GET / HTTP/1.1\r\n\r\n" }
    x.client:silent(0.2)
  end,
}

-- Behind each of these the connection ends: what follows is not answered.
local LAST = {
  { "close", "http.close.no-more", {}, { { "Connection", "close" } } },
  { "http10", "http.persist.http10", { version = "1.0" }, {} },
  { "http10-keep-alive", "http.persist.http10-keepalive", { version = "1.0" },
    { { "Connection", "keep-alive" } } },
  { "http10-upgrade", "http.upgrade.http10", { version = "1.0" },
    { { "Upgrade", "foo" }, { "Connection", "upgrade" } } },
  { "http10-chunked", "http.framing.te-http10-request",
    { version = "1.0", method = "PUT", body = "2\r\nhi\r\n0\r\n\r\n" },
    { { "Transfer-Encoding", "chunked" } } },
  { "both-framings", "http.framing.te-cl-close",
    { method = "PUT", body = "2\r\nhi\r\n0\r\n\r\n" },
    { { "Content-Length", "12" }, { "Transfer-Encoding", "chunked" } } },
  { "coding-behind-chunked", "http.framing.te-request-not-final",
    { method = "PUT", body = "2\r\nhi\r\n0\r\n\r\n" },
    { { "Transfer-Encoding", "chunked, gzip" } } },
  { "unknown-coding", "http.framing.te-unknown",
    { method = "PUT", body = "2\r\nhi\r\n0\r\n\r\n" },
    { { "Transfer-Encoding", "foo, chunked" } } },
  { "signed-length", "http.framing.cl-invalid-request",
    { method = "PUT", body = "hi" }, { { "Content-Length", "+2" } } },
  { "two-lengths", "http.framing.cl-conflict-request",
    { method = "PUT", body = "hi" }, { { "Content-Length", "2, 3" } } },
}

for _, case in ipairs(LAST) do
  local name, id, request, fields = table.unpack(case)
  scenario("http.judged." .. name) {
    title  = "what is answered, and that nothing is answered behind it: " .. name,
    checks = { id },
    needs  = { "http-forward" },
    within = 20,
    run    = function (t)
      try_two(t, request, fields)
    end,
  }
end

scenario "http.judged.no-host" {
  title  = "a target of no host is not served",
  checks = { "http.target.empty-host" },
  needs  = { "http-forward" },
  run    = function (t)
    local w = t:witness {}
    t:outcome { origin = w, within = 2, send = http.request {
      target = "http:///" .. t:nonce(),
      fields = { { "Host", w.authority } } } }
  end,
}
