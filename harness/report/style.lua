-- How a report looks: { color = bool, verbosity = -1, 0 or 1, strict = bool }.

local style = {}

local codes = {
  fail = "1;31", error = "1;31", warn = "33", flaky = "35",
  inconclusive = "35", pass = "32", skip = "2", info = "36", faint = "2",
  strong = "1",
}

-- From the options of a subcommand; NO_COLOR (no-color.org) counts unless
-- --color says otherwise.
function style.of(options)
  local color = options.color == "always"
  if options.color == nil or options.color == "auto" then
    local no_color = native.getenv("NO_COLOR")
    color = native.is_tty(1) and (no_color == nil or no_color == "")
      and native.getenv("TERM") ~= "dumb"
  end
  return {
    color = color,
    verbosity = options.verbosity or 0,
    strict = options.strict or false,
  }
end

-- s in the color of a verdict, or "faint" or "strong".
function style.paint(look, name, s)
  if not look.color then
    return s
  end
  return "\27[" .. codes[name] .. "m" .. s .. "\27[0m"
end

return style
