-- Compares the lengths of many lists with what they were: one command for the polls of many streams, which mostly
-- find nothing. An element costs several times as much as a length, so few are asked for.
--
-- KEYS lists
-- ARGV[i] expected length of KEYS[i]; negative where the last element is wanted as well
-- ARGV[#KEYS + 1] max bytes of such an element
--
-- Returns for each list false if it has another length, is no list, or has a longer element there; else its last
-- element if that is wanted, and 1 if not.

local max_bytes = tonumber(ARGV[#KEYS + 1])
local ends = {}
for index, list in ipairs(KEYS) do
  local expected = tonumber(ARGV[index])
  local is_same = redis.pcall('LLEN', list) == math.abs(expected)
  if is_same and expected < 0 then
    local last = redis.call('LINDEX', list, -1)
    ends[index] = #last <= max_bytes and last
  else
    ends[index] = is_same and 1
  end
end
return ends
