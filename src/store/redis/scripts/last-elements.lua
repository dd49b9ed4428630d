-- Reads the last element of each of many lists whose length is known: one command for the polls of many
-- streams, which mostly find nothing.
--
-- KEYS lists
-- ARGV[i] expected length of KEYS[i]
-- ARGV[#KEYS + 1] max bytes of an element
--
-- Returns for each list its last element, '' if it is empty as expected, or false if it has another length, is
-- no list, or has a longer element there.

local max_bytes = tonumber(ARGV[#KEYS + 1])
local last_elements = {}
for index, list in ipairs(KEYS) do
  local length = tonumber(ARGV[index])
  local elements = redis.pcall('LRANGE', list, math.max(length - 1, 0), length)
  local last = elements[1] or ''
  local is_expected = not elements.err and #elements == math.min(length, 1) and #last <= max_bytes
  last_elements[index] = is_expected and last
end
return last_elements
