local equal = dofile "tests/script/equal.lua"

local function loop_for_ever() while true do end end

return {
  { "a task gets its argument and starts later", function ()
    local got
    local thread = native.spawn(function (arg)
      got = arg
    end, "argument")
    equal(type(thread), "thread")
    equal(got, nil)
    native.sleep(0)
    equal(got, "argument")
  end },

  { "a task can be woken, once", function ()
    local woken = {}
    local thread = native.spawn(function ()
      woken[1] = native.suspend(5)
      woken[2] = native.suspend(0.02)
    end)
    native.sleep(0)
    native.wake(thread)
    native.wake(thread)
    equal(woken[1], nil) -- never from inside another task
    native.sleep(0.1)
    equal(woken[1], true)
    equal(woken[2], false)
    native.wake(thread) -- it is over
  end },

  { "wake ends no other wait", function ()
    local main = coroutine.running()
    native.spawn(function ()
      native.wake(main)
    end)
    local start = native.now()
    native.sleep(0.05)
    assert(native.now() - start >= 0.05, "it was early")
  end },

  { "sleep is never short, whatever ran before", function ()
    for _ = 1, 20 do
      local sum = 0
      for i = 1, 200000 do
        sum = sum + i
      end
      local start = native.now()
      native.sleep(0.003)
      assert(native.now() - start >= 0.003, "it was early")
    end
  end },

  { "tasks that wake each other leave room for the sockets", function ()
    local over = false
    native.spawn(function ()
      while not over do
        native.sleep(0)
      end
    end)
    local listener = assert(native.listen {})
    assert(native.connect { port = listener:port() }):write("x")
    local conn = assert(listener:accept(5))
    equal(conn:wait(1, 5), true)
    over = true
  end },

  { "hundreds of tasks wait at once", function ()
    local done = 0
    for i = 1, 500 do
      native.spawn(function ()
        native.sleep(i % 7 / 1000)
        done = done + 1
      end)
    end
    native.sleep(0.05)
    while done < 500 do
      native.sleep(0.001)
    end
  end },

  { "an endless wait is one", function ()
    local thread = coroutine.running()
    native.spawn(function ()
      native.wake(thread)
    end)
    equal(native.suspend(), true)
    equal(native.suspend(0 / 0) or native.suspend(1 / 0), true)
  end, fails = "every task waits" },

  { "an error of a task that nobody waits for ends the run", function ()
    native.spawn(function ()
      error("stray")
    end)
    native.sleep(5)
  end, fails = "stray" },

  { "an error that is a table is told as text", function ()
    error(setmetatable({}, { __tostring = function ()
      return "in words"
    end }))
  end, fails = "in words" },

  { "an error without words is told", function ()
    error(setmetatable({}, { __tostring = error }))
  end, fails = "an error that is no text" },

  { "only a task waits", function ()
    coroutine.wrap(function ()
      native.sleep(0)
    end)()
  end, fails = "only a task can wait" },

  { "nothing waits inside a handler of C", function ()
    table.sort({ 3, 2, 1 }, function ()
      native.sleep(0)
    end)
  end, fails = "cannot wait" },

  { "waiting works inside pcall", function ()
    local ok, why = pcall(function ()
      native.sleep(0)
      error("after", 0)
    end)
    equal(ok, false)
    equal(why, "after")
  end },

  { "a yield of its own ends a task", function ()
    coroutine.yield()
  end, fails = "without waiting" },

  { "a task that loops for ever is ended, with file and line", function ()
    native.spawn(loop_for_ever)
    native.sleep(60)
  end, fails = "tests/script/task.lua:" ..
               debug.getinfo(loop_for_ever).linedefined .. ": ran too long" },

  { "memory has an end", function ()
    local text = ("x"):rep(1024 * 1024 * 1024)
    equal(#text, 0)
  end, fails = "not enough memory" },

  { "a task that fails closes its variables", function ()
    local closed = false
    local ok = pcall(function ()
      local guard <close> = setmetatable({}, { __close = function ()
        closed = true
      end })
      native.sleep(0)
      error("over")
    end)
    equal(ok, false)
    equal(closed, true)
  end },

  { "an interrupt is told once", function ()
    local main, told = coroutine.running(), 0
    native.on_interrupt(error)
    native.on_interrupt(function ()
      told = told + 1
      native.wake(main)
    end)
    assert(os.execute("kill -TERM $PPID"))
    equal(native.suspend(5), true)
    equal(told, 1)
    equal(pcall(native.on_interrupt, 1), false)
  end },

  { "an error while an interrupt is told ends the run", function ()
    native.on_interrupt(function ()
      error("no report")
    end)
    assert(os.execute("kill -TERM $PPID"))
    native.sleep(5)
  end, fails = "no report" },

  { "files of the program are found, no others", function ()
    equal(native.embedded("no/such/file.lua"), nil)
    for _, path in ipairs(native.embedded_list()) do
      equal(type(native.embedded(path)), "string")
    end
    equal(pcall(require, "os.lua"), false)
    equal(pcall(require, "tests.script.equal"), false)
  end },

  { "the clocks agree", function ()
    assert(native.now() <= native.now())
    assert(math.abs(native.epoch() - os.time()) < 2)
  end },
}
