local equal = dofile "tests/script/equal.lua"

-- Calls fn with a fresh directory, which is gone afterwards.
local function in_temp_dir(fn)
  return function ()
    local dir = assert(native.temp_dir())
    local ok, why = pcall(fn, dir)
    equal(native.remove_tree(dir), true)
    equal(native.list_files(dir, ""), nil)
    assert(ok, why)
  end
end

return {
  { "what is written is read", in_temp_dir(function (dir)
    local path = dir .. "/file"
    local text = ("line\0\255\n"):rep(50000)
    equal(native.write_file(path, text), true)
    equal(native.read_file(path), text)
    equal(native.write_file(path, ""), true)
    equal(native.read_file(path), "")
    equal(#native.list_files(dir, ""), 1)
  end) },

  { "a link leads to the file that it names", in_temp_dir(function (dir)
    native.write_file(dir .. "/file", "old")
    os.execute("ln -s file " .. dir .. "/link")
    equal(native.write_file(dir .. "/link", "new"), true)
    equal(native.read_file(dir .. "/file"), "new")
  end) },

  { "a reader of the old file keeps it", in_temp_dir(function (dir)
    native.write_file(dir .. "/file", "old")
    local reader = io.open(dir .. "/file")
    native.write_file(dir .. "/file", "new")
    equal(reader:read("a"), "old")
    reader:close()
  end) },

  { "a device stays a device", function ()
    equal(native.write_file("/dev/null", "x"), true)
    equal(native.read_file("/dev/null"), "")
    equal(native.can_write("/dev/null"), true)
    local ok, why = native.write_file("/dev/full", "x")
    equal(ok, nil)
    assert(why:find("^/dev/full: "), why)
  end },

  { "why a file cannot be written", in_temp_dir(function (dir)
    for _, path in ipairs { dir, dir .. "/no/file", "/proc/none", "" } do
      local ok, why = native.write_file(path, "x")
      equal(ok, nil)
      equal(why:sub(1, #path + 2), path .. ": ")
      ok, why = native.can_write(path)
      equal(ok, path == "/proc/none" and true or nil)
    end
    equal(#native.list_files(dir, ""), 0)
  end) },

  { "can_write changes nothing", in_temp_dir(function (dir)
    equal(native.can_write(dir .. "/new"), true)
    equal(native.read_file(dir .. "/new"), nil)
    native.write_file(dir .. "/file", "text")
    equal(native.can_write(dir .. "/file"), true)
    equal(native.read_file(dir .. "/file"), "text")
    equal(native.can_write(dir .. "/file/inside"), nil)
    equal(native.can_write("-"), true)
    equal(native.can_write("here"), true)
  end) },

  { "why a file cannot be read", function ()
    local text, why = native.read_file("/nowhere")
    equal(text, nil)
    equal(why, "/nowhere: No such file or directory")
    text, why = native.read_file("/")
    equal(text, nil)
    equal(why, "/: Is a directory")
    text, why = native.read_file("/dev/zero")
    equal(text, nil)
    equal(why, "/dev/zero: File too large")
  end },

  { "files are listed below, sorted", in_temp_dir(function (dir)
    native.make_dir(dir .. "/b")
    equal(native.make_dir(dir .. "/b"), true)
    native.make_dir(dir .. "/b/c.lua")
    for _, name in ipairs { "z.lua", "b/y.lua", "b.lua", "b/x.txt", ".lua" } do
      native.write_file(dir .. "/" .. name, "")
    end
    local names = {}
    for i, path in ipairs(native.list_files(dir, ".lua")) do
      names[i] = path:sub(#dir + 2)
    end
    equal(table.concat(names, " "), ".lua b.lua b/y.lua z.lua")
    local list, why = native.list_files(dir .. "/none", ".lua")
    equal(list, nil)
    assert(why:find("No such file"), why)
    list, why = native.list_files(dir .. "/z.lua", ".lua")
    equal(list, nil)
    assert(why:find("Not a directory"), why)
  end) },

  { "why a directory cannot be made", in_temp_dir(function (dir)
    equal(native.make_dir(dir .. "/a/b"), nil)
    native.write_file(dir .. "/file", "")
    equal(native.make_dir(dir .. "/file"), nil)
  end) },

  { "only what temp_dir made is removed", in_temp_dir(function (dir)
    native.make_dir(dir .. "/inside")
    equal(pcall(native.remove_tree, dir .. "/inside"), false)
    equal(pcall(native.remove_tree, "/nowhere"), false)
  end) },

  { "output goes where it should", function ()
    equal(native.out(""), true)
    equal(native.err(""), true)
    equal(native.write_file("-", ""), true)
  end },

  { "the surroundings are told", function ()
    equal(native.is_tty(-1), false)
    assert(native.columns() > 0)
    equal(native.getenv("NO_SUCH_VARIABLE"), nil)
    equal(native.getenv("PATH"), os.getenv("PATH"))
    assert(native.version():find("^%d+%.%d+%.%d+$"))
    assert(native.program():find("native_test$"))
  end },
}
