-- Prints a made-up run as a report: lua render.lua RUN json|junit [strict]

package.path = "harness/?.lua;tests/report/?.lua;" .. package.path
native = require "stub".native

local renderer = require("report." .. arg[2])
local look = { color = false, verbosity = 0, strict = arg[3] == "strict" }

io.write(renderer.render(require "runs"[arg[1]], look), "\n")
