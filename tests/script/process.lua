local equal = dofile "tests/script/equal.lua"

local function run(argv, options)
  options = options or {}
  options.argv = argv
  return assert(native.process(options))
end

-- Waits until its output has this; no pipe is blocked meanwhile.
local function expect(process, text)
  local deadline = native.now() + 10
  while not process:output():find(text, 1, true) do
    assert(native.now() < deadline, "it never said " .. text)
    native.sleep(0.005)
  end
end

return {
  { "status and output", function ()
    local process = run { "sh", "-c", "echo out; echo err >&2; exit 7" }
    assert(process:pid() > 0)
    local status = process:wait(10)
    equal(status.code, 7)
    equal(status.signal, nil)
    equal(process:output(), "out\nerr\n")
    equal(process:status().code, 7)
    equal(process:wait(0).code, 7)
  end },

  { "the last 64 KiB are kept", function ()
    local process = run { "seq", "100000" }
    equal(process:wait(10).code, 0)
    equal(#process:output(), 65536)
    equal(process:output():sub(-13), "99999\n100000\n")
  end },

  { "standard input is empty", function ()
    local process = run { "cat" }
    equal(process:wait(10).code, 0)
    equal(process:output(), "")
  end },

  { "env is added to ours, cwd is changed to", function ()
    local process = run({ "sh", "-c", "echo $NEW $PATH; pwd" },
                        { env = { NEW = "new", PATH = os.getenv("PATH") },
                          cwd = "/" })
    equal(process:wait(10).code, 0)
    equal(process:output(), "new " .. os.getenv("PATH") .. "\n/\n")
  end },

  { "a variable of ours is replaced", function ()
    local process = run({ "sh", "-c", "echo $HOME" },
                        { env = { HOME = "/elsewhere" } })
    process:wait(10)
    equal(process:output(), "/elsewhere\n")
  end },

  { "kill goes to the whole group", function ()
    local process = run { "sh", "-c", "sleep 60 & echo $!; wait" }
    expect(process, "\n")
    equal(process:status(), nil)
    equal(process:wait(0.01), nil)
    local child = process:output():match("%d+")
    equal(process:kill("SIGTERM"), true)
    local status = process:wait(10)
    equal(status.signal, "SIGTERM")
    equal(status.code, nil)
    local deadline = native.now() + 10
    while native.read_file("/proc/" .. child .. "/stat") do
      assert(native.now() < deadline, "the child lives")
      native.sleep(0.005)
    end
  end },

  { "signals have names", function ()
    local process = run { "sleep", "60" }
    equal(process:kill("KILL"), true)
    equal(process:wait(10).signal, "SIGKILL")
    equal(pcall(process.kill, process, "SIGNONE"), false)
    local ok, why = process:kill("TERM")
    equal(ok, nil)
    equal(type(why), "string")
  end },

  { "several tasks wait for one", function ()
    local process = run { "sleep", "60" }
    local seen = 0
    for _ = 1, 3 do
      native.spawn(function ()
        if process:wait(10).signal == "SIGINT" then
          seen = seen + 1
        end
      end)
    end
    native.sleep(0)
    process:kill("INT")
    process:wait(10)
    native.sleep(0)
    native.sleep(0)
    equal(seen, 3)
  end },

  { "what cannot be started", function ()
    local process, why = native.process { argv = { "no-such-command" } }
    equal(process, nil)
    equal(why, "no-such-command: command not found")
    process, why = native.process { argv = { "/nowhere/at/all" } }
    equal(process, nil)
    assert(why:find("^/nowhere/at/all: no such file"), why)
    process, why = native.process { argv = { "/etc/passwd" } }
    equal(process, nil)
    assert(why:find("permission denied"), why)
    process, why = native.process { argv = { "true" }, cwd = "/nowhere" }
    equal(process, nil)
    equal(why, "/nowhere: no such directory")
  end },

  { "wrong options are errors", function ()
    equal(pcall(native.process, {}), false)
    equal(pcall(native.process, { argv = {} }), false)
    equal(pcall(native.process, { argv = { {} } }), false)
    equal(pcall(native.process, { argv = { "true" }, env = 1 }), false)
    equal(pcall(native.process, { argv = { "true" }, env = { "x" } }), false)
  end },

  { "the state takes its children along, whatever they ignore", function ()
    local stubborn = run { "sh", "-c",
                           "trap '' TERM; echo ready; while :; do :; done" }
    expect(stubborn, "ready")
    _G.held = { stubborn, run { "sleep", "60" } }
  end },

  { "what puts itself into the background goes on there", function ()
    local process = run { "sh", "-c", [[setsid sh -c '
      setsid sh -c "trap \"exit 3\" TERM; echo up; while :; do sleep 0.05; done" &
      exit 0' & exit 0]] }
    local first = process:pid()
    expect(process, "up\n")
    equal(process:wait(0.5), nil)
    assert(process:pid() ~= first)
    assert(process:kill("TERM"))
    equal(process:wait(10).code, 3)
  end },

  { "how it ends in the background is told", function ()
    local process = run { "sh", "-c", "setsid sh -c 'sleep 0.3; kill -SEGV $$' &" }
    equal(process:wait(10).signal, "SIGSEGV")
  end },

  { "what failed and left something behind has ended", function ()
    local process = run { "sh", "-c", "sleep 60 & exit 5" }
    equal(process:wait(10).code, 5)
    process:kill("KILL")
  end },

  { "a collected child is ended", function ()
    local process = run { "sh", "-c", "echo $$; sleep 60" }
    expect(process, "\n")
    local pid = process:output():match("%d+")
    process = nil
    collectgarbage()
    collectgarbage()
    local deadline = native.now() + 10
    while native.read_file("/proc/" .. pid .. "/stat") do
      assert(native.now() < deadline, "the child lives")
      native.sleep(0.005)
    end
  end },
}
