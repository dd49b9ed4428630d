-- Reads at most one event of each of many lists, with the element before it: one command for the polls of
-- many streams, which mostly find nothing.
--
-- KEYS lists
-- ARGV[i] index of the event in KEYS[i]
-- ARGV[#KEYS + 1] max bytes, after which the remaining lists are not read
--
-- Returns for each list its elements from the one before the event to the one behind it, or false if it was
-- not read, or is no list.

local left = tonumber(ARGV[#KEYS + 1])
local pages = {}
for index, list in ipairs(KEYS) do
  local page = false
  if left > 0 then
    local at = tonumber(ARGV[index])
    page = redis.pcall('LRANGE', list, math.max(at - 1, 0), at + 1)
    if page.err then page = false end
    for _, element in ipairs(page or {}) do left = left - #element end
  end
  pages[index] = page
end
return pages
