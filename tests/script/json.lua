local equal = dofile "tests/script/equal.lua"

-- The value of a JSON text, through a file.
local function parse(text)
  local dir = assert(native.temp_dir())
  assert(native.write_file(dir .. "/json", text))
  local value, why = native.read_json(dir .. "/json")
  native.remove_tree(dir)
  return value, why
end

return {
  { "scalars", function ()
    for want, value in pairs {
      ["1"] = 1, ["-9223372036854775808"] = math.mininteger, ["0.1"] = 0.1,
      ["2.0"] = 2.0, ["true"] = true, ["false"] = false, ['"x"'] = "x",
      ["null"] = 0 / 0, ["{}"] = {}, ["[]"] = native.array {},
      ['"a\\u0000\\n\\"b"'] = 'a\0\n"b',
    } do
      equal(native.json(value), want)
    end
    equal(native.json(1 / 0), "null")
  end },

  { "keys are sorted, lists keep their order", function ()
    equal(native.json { b = native.array { 3, 1, 2 }, a = { [7] = "x" } },
          '{\n  "a": {\n    "7": "x"\n  },\n  "b": [\n    3,\n    1,\n    2\n' ..
          "  ]\n}")
  end },

  { "octets that are no UTF-8 become Latin-1", function ()
    for octets, want in pairs {
      ["\xff"] = "ÿ", ["\xc3\xa9"] = "é", ["\xc3"] = "Ã", ["\xa9"] = "©",
      ["\xc0\x80"] = "À\u{80}", ["\xed\xa0\x80"] = "í\u{a0}\u{80}",
      ["\xe2\x82"] = "â\u{82}", ["\xe2\x82\xac"] = "€",
      ["\xf0\x9f\x98\x80"] = "\u{1f600}", ["\xf4\x90\x80\x80"] =
        "ô\u{90}\u{80}\u{80}", ["\xe0\x80\x80"] = "à\u{80}\u{80}",
      ["\xf5"] = "õ", ["\xf0\x80\x80\x80"] = "ð\u{80}\u{80}\u{80}",
    } do
      equal(native.json(octets), '"' .. want .. '"')
      equal(native.json { [octets] = 1 }, '{\n  "' .. want .. '": 1\n}')
    end
  end },

  { "a round trip keeps arrays, integers and text", function ()
    local text = native.json {
      list = native.array { 1, 2.5, "é\0", native.array {}, { x = true } },
      big = math.maxinteger,
    }
    local value = assert(parse(text))
    equal(native.json(value), text)
    equal(math.type(value.big), "integer")
    equal(math.type(value.list[2]), "float")
    equal(#value.list, 5)
  end },

  { "null is nothing in an object and holds its place in a list", function ()
    local value = assert(parse('{"a": null, "b": [null, 1]}'))
    equal(value.a, nil)
    equal(value.b[2], 1)
    equal(native.json(value.b), "[\n  null,\n  1\n]")
  end },

  { "why a file is no JSON", function ()
    local value, why = parse("{\n  \"a\": }")
    equal(value, nil)
    assert(why:find("/json:2: "), why)
    equal(parse(""), nil)
    equal(parse('{"a": 1, "a": 2}'), nil)
    value, why = native.read_json("/nowhere")
    equal(value, nil)
    equal(why, "/nowhere: No such file or directory")
  end },

  { "what JSON cannot hold is an error", function ()
    local loop = {}
    loop.loop = loop
    for _, value in ipairs { print, coroutine.running(), loop,
                             { [true] = 1 }, { { f = print } } } do
      equal(pcall(native.json, value), false)
    end
    equal(pcall(native.json), false)
  end },

  { "an array is marked in place", function ()
    local list = { 1 }
    equal(native.array(list), list)
    equal(pcall(native.array, 1), false)
  end },
}
