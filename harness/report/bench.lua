-- The figures of `proxyspec bench`: a table for people, JSON for programs.

local bench_report = {}

local MIB = 1024 * 1024

-- columns: of which measure, which of its numbers, in which unit.
local COLUMNS = {
  { "down", "1 stream", "MiB/s", "per_second", MIB },
  { "down_many", "%d streams", "MiB/s", "per_second", MIB },
  { "up", "1 up", "MiB/s", "per_second", MIB },
  { "up_many", "%d up", "MiB/s", "per_second", MIB },
  { "connects", "tunnels", "1/s", "per_second", 1 },
  { "handshakes", "handshakes", "1/s", "per_second", 1 },
  { "echo", "p50", "us", "p50_us", 1 },
  { "echo", "p99", "us", "p99_us", 1 },
  { "requests", "requests", "1/s", "per_second", 1 },
  { "response", "response", "MiB/s", "per_second", MIB },
}

local function median(list)
  if #list == 0 then
    return nil
  end
  table.sort(list)
  local middle = (#list + 1) // 2
  return #list % 2 == 1 and list[middle] or (list[middle] + list[middle + 1]) / 2
end

local function rounds_of(row, column)
  local out = {}
  for round, got in pairs(row.values[column[1]] or {}) do
    out[round] = got[column[4]] / column[5]
  end
  return out
end

local function median_of(row, column)
  local list = {}
  for _, value in pairs(rounds_of(row, column)) do
    list[#list + 1] = value
  end
  return median(list)
end

-- The median of what a row reached of direct, each in the same round.
local function ratio_of(row, direct, column)
  local mine, limit, list = rounds_of(row, column), rounds_of(direct, column), {}
  for round, value in pairs(mine) do
    if limit[round] and limit[round] > 0 then
      list[#list + 1] = value / limit[round]
    end
  end
  return median(list)
end

local function number(value)
  return value < 100 and string.format("%.1f", value)
         or string.format("%.0f", value)
end

local function cell(row, direct, column)
  local value = median_of(row, column)
  if not value then
    return "-"
  elseif row.is_direct then
    return number(value)
  end
  local ratio = ratio_of(row, direct, column)
  return ratio and string.format("%s (%.2f)", number(value), ratio)
         or number(value)
end

local function lines_of(self)
  local direct, lines = self.rows[1], { {}, {} }
  local function head(a, b)
    lines[1][#lines[1] + 1], lines[2][#lines[2] + 1] = a, b
  end
  head("", "")
  for _, column in ipairs(COLUMNS) do
    head(column[2]:format(self.options.streams), column[3])
  end
  head("1000 idle", "MiB")
  for _, row in ipairs(self.rows) do
    local line = { row.name }
    for _, column in ipairs(COLUMNS) do
      line[#line + 1] = cell(row, direct, column)
    end
    line[#line + 1] = row.memory and string.format("%.1f", row.memory / MIB)
                      or "-"
    lines[#lines + 1] = line
  end
  return lines
end

-- Columns in which nobody has a figure are left out.
local function shown_columns(lines)
  local shown = { 1 }
  for i = 2, #lines[1] do
    for n = 3, #lines do
      if lines[n][i] ~= "-" then
        shown[#shown + 1] = i
        break
      end
    end
  end
  return shown
end

local function add_notes(self, out)
  for _, row in ipairs(self.rows) do
    for _, note in ipairs(row.notes) do
      out[#out + 1] = string.format("%s: %s: %s", row.name, note.measure,
                                    note.why)
    end
    for name, what in pairs { connects = "tunnels", handshakes = "handshakes" } do
      for _, got in pairs(row.values[name] or {}) do
        if got.failed > 0 then
          out[#out + 1] = string.format("%s: %d %s failed in one round",
                                        row.name, got.failed, what)
        end
      end
    end
  end
end

-- The table; ratios to direct stand in brackets.
function bench_report.render(self)
  local lines, out = lines_of(self), {}
  local shown = shown_columns(lines)
  for _, line in ipairs(lines) do
    local cells = {}
    for _, i in ipairs(shown) do
      local width = 0
      for _, other in ipairs(lines) do
        width = math.max(width, #other[i])
      end
      cells[#cells + 1] = i == 1 and line[i] .. (" "):rep(width - #line[i])
                          or (" "):rep(width - #line[i]) .. line[i]
    end
    out[#out + 1] = table.concat(cells, "  ")
  end
  add_notes(self, out)
  return table.concat(out, "\n") .. "\n"
end

local function measures_json(row, direct)
  local out = {}
  for _, column in ipairs(COLUMNS) do
    local value = median_of(row, column)
    if value then
      local key = column[1] == "echo" and column[4] or column[1]
      local list = native.array {}
      for _, one in pairs(rounds_of(row, column)) do
        list[#list + 1] = one * column[5]
      end
      out[key] = { median = value * column[5], rounds = list,
                   ratio = not row.is_direct and ratio_of(row, direct, column)
                           or nil }
    end
  end
  return out
end

-- In octets, seconds and microseconds.
function bench_report.json(self)
  local rows = native.array {}
  for i, row in ipairs(self.rows) do
    local notes = native.array {}
    for n, note in ipairs(row.notes) do
      notes[n] = { measure = note.measure, why = note.why }
    end
    rows[i] = { name = row.name, protocol = row.route.protocol,
                measures = measures_json(row, self.rows[1]), notes = notes,
                octets_per_1000_idle = row.memory }
  end
  return native.json {
    tool = "proxyspec bench", version = native.version(),
    started = self.started, duration_ms = self.duration_ms,
    seconds = self.options.seconds, rounds = self.options.rounds,
    streams = self.options.streams, rows = rows,
  }
end

return bench_report
