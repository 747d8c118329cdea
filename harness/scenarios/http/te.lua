-- TE, transfer codings and trailers between a proxy and its neighbours: RFC
-- 9110 sections 6.5.1 and 10.1.4, RFC 9112 section 7.4.

-- "hello" as one stored block of gzip (RFC 1952).
local HELLO = "\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x05\0\xfa\xffhello"
              .. "\x86\xa6\x10\x36\x05\0\0\0"

for _, coding in ipairs { "gzip, chunked", "x-gzip, chunked" } do
  scenario("http.te.coding-" .. coding:match("[^,]+")) {
    title    = "a coding that the client did not ask for does not reach it: "
               .. coding,
    checks   = { "http.te.coding-unasked" },
    needs    = { "http-forward" },
    negative = true,
    within   = 15,
    run      = function (t)
      local nonce = t:nonce()
      local x = t:exchange { nonce = nonce, within = 3, answer = {
        close = true, raw = "HTTP/1.1 200 OK\r\nX-Witness: " .. nonce
          .. "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
          .. "Cache-Control: no-store\r\nConnection: close\r\n"
          .. "Transfer-Encoding: " .. coding .. "\r\n\r\n"
          .. string.format("%x\r\n", #HELLO) .. HELLO .. "\r\n0\r\n\r\n" } }
      local got = x.response or x.partial
      t:check(not got or not got.fields
              or not (got:field("transfer-encoding") or ""):find("gzip"),
              "http.te.coding-unasked",
              "the client got Transfer-Encoding: "
              .. tostring(got and got.fields and got:field("transfer-encoding")),
              { contested = true }) -- the origin broke the rule first
    end,
  }
end

for _, version in ipairs { "1.0", "1.1" } do
  scenario("http.te.claim-" .. version:gsub("%.", "")) {
    title  = "a proxy that says TE: trailers passes them on, to HTTP/"
             .. version,
    checks = { "http.te.trailers-claim" },
    needs  = { "http-forward" },
    run    = function (t)
      local id = "http.te.trailers-claim"
      local x = t:exchange {
        version = version, breaks = id,
        answer = { chunked = { 5 }, trailers = { { "X-T", "1" } } },
      }
      if x.request:has("te", "trailers") then
        t:check(x.response:trailer("x-t") or x.response:field("x-t"), id,
                "the origin was told that trailers are welcome, and the client "
                .. "did not get X-T", { contested = true })
      end
    end,
  }
end
