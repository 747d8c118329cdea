local equal = dofile "tests/script/equal.lua"

return {
  { "hashes are those of RFC 1321 and FIPS 180", function ()
    equal(native.hash("MD5", ""), "d41d8cd98f00b204e9800998ecf8427e")
    equal(native.hash("MD5", "abc"), "900150983cd24fb0d6963f7d28e17f72")
    equal(native.hash("SHA-256", "abc"), "ba7816bf8f01cfea414140de5dae2223"
          .. "b00361a396177a9cb410ff61f20015ad")
    equal(native.hash("MD5", "a\0b"), "70350f6027bce3713f6b76473084309b")
  end },

  { "other hashes are errors", function ()
    equal(pcall(native.hash, "SHA-1", ""), false)
    equal(pcall(native.hash, "MD5"), false)
    equal(pcall(native.hash), false)
  end },
}
