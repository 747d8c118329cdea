local equal = dofile "tests/script/equal.lua"

-- Globals that are not there are an error, as the loader has it.
local function strict(names)
  return setmetatable({}, {
    __index = function (_, name)
      return names[name] or error("no global '" .. name .. "'", 2)
    end,
    __newindex = function (_, name)
      error("globals cannot be created: " .. name, 2)
    end,
  })
end

local function refuse(text, want, env)
  local ok, why = native.run_sandboxed(text, "@dir/file.lua", env or {})
  equal(ok, nil)
  equal(why, want)
end

return {
  { "a file sees its table and nothing else", function ()
    local env = { tostring = tostring }
    equal(native.run_sandboxed("x = tostring(native) .. tostring(_G)",
                               "@f", env), true)
    equal(env.x, "nilnil")
    equal(_G.x, nil)
  end },

  { "functions of a file can be called later", function ()
    local env = {}
    native.run_sandboxed("function f() return 7 end", "@f", env)
    equal(env.f(), 7)
  end },

  { "errors are one line with file and line", function ()
    refuse("x = = 1", "dir/file.lua:1: unexpected symbol near '='")
    refuse("\n\nx = nil + 1", "dir/file.lua:3: attempt to perform " ..
           "arithmetic on a nil value")
    refuse("\nerror('a\\nb')", "dir/file.lua:2: a", { error = error })
    refuse("\nerror('flat', 0)", "dir/file.lua:2: flat", { error = error })
    refuse("error({})", "dir/file.lua:1: in words", { error = function ()
      error(setmetatable({}, { __tostring = function ()
        return "in words"
      end }))
    end })
    refuse("local function f()\n  fail()\nend\nf()",
           "dir/file.lua:2: deep", { fail = function ()
             error("deep", 0)
           end })
  end },

  { "unknown globals are told", function ()
    refuse("\nlocal x = nowhere", "dir/file.lua:2: no global 'nowhere'",
           strict {})
    refuse("y = 1", "dir/file.lua:1: globals cannot be created: y", strict {})
  end },

  { "what loops for ever is ended", function ()
    refuse("\nwhile true do end", "dir/file.lua:2: ran too long")
    refuse("local function f() return f() end\nf()",
           "dir/file.lua:1: ran too long")
    refuse("local function f() return 1 + f() end\nf()",
           "dir/file.lua:1: stack overflow")
  end },

  { "bytecode is refused", function ()
    local ok, why = native.run_sandboxed(string.dump(equal), "@f", {})
    equal(ok, nil)
    assert(why:find("attempt to load a binary chunk"), why)
  end },

  { "memory has an end", function ()
    refuse("\nlocal s = ('x'):rep(1 << 30)", "dir/file.lua:2: " ..
           "not enough memory")
    refuse("\nlocal s = ('x'):rep(1 << 62, 'yy')", "dir/file.lua:2: " ..
           "resulting string too large")
  end },

  { "a file that waits is an error", function ()
    equal(pcall(native.run_sandboxed, "yield()", "@f",
                { yield = coroutine.yield }), false)
    refuse("sleep(0)", "dir/file.lua:1: only a task can wait",
           { sleep = native.sleep })
  end },

  { "wrong arguments are errors", function ()
    equal(pcall(native.run_sandboxed, "x = 1", "@f"), false)
    equal(pcall(native.run_sandboxed, nil, "@f", {}), false)
  end },
}
