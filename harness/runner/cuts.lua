-- What cutting a message differently changed, as findings about the cut.

local cuts = {}

-- Whether one of the findings is about this requirement.
function cuts.has(findings, id)
  for _, finding in ipairs(findings) do
    if finding.requirement == id then
      return true
    end
  end
  return false
end

-- What a variant showed beyond the whole messages, as findings about the cut.
function cuts.findings(entry, variant, outcome)
  local out = {}
  for _, finding in ipairs(outcome.findings) do
    if finding.source_of == "scenario" then
      out[#out + 1] = {
        requirement = variant.breaks, side = "server",
        contested = variant.contested or false, absence = finding.absence,
        source_of = "scenario", variant = variant.name,
        message = "whole messages pass, but here: " .. finding.message,
      }
    elseif not cuts.has(entry.outcome.findings, finding.requirement) then
      finding.variant = variant.name
      out[#out + 1] = finding
    end
  end
  return out
end

-- Findings of variants, one for each requirement and kind of cut.
function cuts.add(entry, variant, outcome)
  for _, finding in ipairs(cuts.findings(entry, variant, outcome)) do
    local key = finding.requirement .. "|" .. variant.kind .. "|" .. variant.step
    local known = entry.by_cut[key]
    if known then
      known.also = (known.also or 0) + 1
    else
      entry.by_cut[key] = finding
      finding.of_variant = variant
      entry.variant_findings[#entry.variant_findings + 1] = finding
      entry.variant_outcomes[finding] = outcome
    end
  end
end

return cuts
