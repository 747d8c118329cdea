-- Base64 as in RFC 4648 section 4.

local base64 = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

function base64.encode(data)
  local out = {}
  for at = 1, #data, 3 do
    local a, b, c = data:byte(at, at + 2)
    local word = a << 16 | (b or 0) << 8 | (c or 0)
    for i = 1, 4 do
      local value = word >> (24 - 6 * i) & 63
      out[#out + 1] = ALPHABET:sub(value + 1, value + 1)
    end
    if not b then
      out[#out - 1], out[#out] = "=", "="
    elseif not c then
      out[#out] = "="
    end
  end
  return table.concat(out)
end

return base64
