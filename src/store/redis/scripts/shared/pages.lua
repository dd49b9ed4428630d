-- Pages of a list: {'page', whether the end was reached (1 or 0), the element before the first or false, the elements}.

-- What a poll asks for where a stream may have moved.
local function read_one(list, from)
  local elements = redis.call('LRANGE', list, math.max(from - 1, 0), from + 1)
  local before = from > 0 and table.remove(elements, 1) or false
  return { 'page', #elements < 2 and 1 or 0, before, { elements[1] } }
end

-- LRANGE cannot bound bytes, so the elements are read in slices, each as long as fits at the average size so
-- far: an element of many megabytes costs little more than itself. One element alone may exceed the max.
local function read_page(list, from, limit, max_bytes)
  if limit == 1 then return read_one(list, from) end
  local before = nil -- comes with the first slice
  local page, bytes, slice = {}, 0, 2
  while #page < limit do
    local at = from + #page
    slice = math.min(slice, limit - #page)
    local has_before = before == nil and from > 0
    local elements = redis.call('LRANGE', list, has_before and at - 1 or at, at + slice - 1)
    if before == nil then before = has_before and table.remove(elements, 1) or false end
    for _, element in ipairs(elements) do
      if #page > 0 and bytes + #element > max_bytes then return { 'page', 0, before, page } end
      page[#page + 1] = element
      bytes = bytes + #element
    end
    if #elements < slice then return { 'page', 1, before, page } end
    slice = math.max(1, math.min(slice * 8, math.floor((max_bytes - bytes) * #page / (bytes + 1)) + 1))
  end
  return { 'page', 0, before, page }
end
