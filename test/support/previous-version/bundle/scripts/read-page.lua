-- Reads one page of a list. LRANGE cannot bound bytes, so the elements are read in slices, each as
-- long as fits at the average size so far: an element of many megabytes costs little more than itself.
--
-- KEYS[1] list
-- ARGV[1] index of the first element
-- ARGV[2] max elements
-- ARGV[3] max bytes, which one element alone may exceed
--
-- Returns whether the end was reached (1 or 0), the element before the first or false, and the
-- elements: at least one, if there is one.

local list, from, limit, max_bytes = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local before = nil -- comes with the first slice
local page, bytes, slice = {}, 0, 2
while #page < limit do
  local at = from + #page
  slice = math.min(slice, limit - #page)
  local has_before = before == nil and from > 0
  local elements = redis.call('LRANGE', list, has_before and at - 1 or at, at + slice - 1)
  if before == nil then before = has_before and table.remove(elements, 1) or false end
  for _, element in ipairs(elements) do
    if #page > 0 and bytes + #element > max_bytes then return { 0, before, page } end
    page[#page + 1] = element
    bytes = bytes + #element
  end
  if #elements < slice then return { 1, before, page } end
  slice = math.max(1, math.min(slice * 8, math.floor((max_bytes - bytes) * #page / (bytes + 1)) + 1))
end
return { 0, before, page }
