-- Reads statuses and pages of streams, and pages of their inputs: those that arrive at the service together share one command. A status
-- renews a lease on request.
--
-- ARGV for each call:
--   'status', what was scanned, producer id or '', new length of the lease in ms or 0, epoch of the producer
--   or -1, acknowledged offset of the inputs or -1; or
--   'page', index of the first element, max elements; or
--   'inputs', what was scanned, index of the first input, max inputs
--
-- Returns for each status false when there is no stream, {'unscanned', from}, {'fenced', epoch},
-- {'inputs_gap', number of inputs}, or {'ok', length, last element, status or '', ms since the end, offset of
-- the end, created, updated, ms to live or -1, now, lease in ms or 0, its own time to live in ms or 0, epoch of
-- the producer or false, its next sequence number, number of inputs, acknowledged offset, last input or false};
-- for inputs {'unscanned', from} or a page; for each page {'page', whether the end was reached (1 or 0), the element before the
-- first or false, the elements: at least one, if there is one}; for either {'later'} when the calls before it
-- have used up the bytes of one reply, and {'error', message} where a command failed, OTHERVERSION included.

-- @include shared/time
-- @include shared/state
-- @include shared/foreign-elements
-- @include shared/lease-renewal
-- @include shared/calls

local now = now_ms()

local function read_status(list, key, scanned, id, lease_ms, epoch, ack)
  local state, reply, known = reconcile(list, key, scanned, now, id)
  if reply then return reply end
  if state.length == 0 then return false end
  local known_epoch, next_seq = parse_producer(known)
  local ttl
  if lease_ms > 0 then
    if known_epoch and epoch >= 0 and epoch < known_epoch then return { 'fenced', known_epoch } end
    local is_open = state.status == ''
    if is_open and ack > inputs_count(state) then return { 'inputs_gap', inputs_count(state) } end
    local fault
    ttl, fault = take_heartbeat(list, key, state, lease_ms, is_open and ack or -1, now)
    if fault then error(fault, 0) end
  else
    ttl = expire_with_list(list, key, state, 0)
  end
  local inputs = state.inputs or new_inputs()
  local last_input = inputs.count > 0 and redis.call('LINDEX', inputs_keys(key), inputs.count - 1)
  return { 'ok', state.length, redis.call('LINDEX', list, -1), state.status, now - state.ended_at,
    state.ended_offset, state.created_at, state.updated_at, ttl, now, state.lease_ms, state.ttl,
    known_epoch or false, next_seq or 0, inputs.count, inputs.ack, last_input }
end

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

-- Only inputs that the state accounts for are part of the stream.
local function read_inputs(list, key, scanned, from, limit, max_bytes)
  local state, reply = reconcile(list, key, scanned, now, '')
  if reply then return reply end
  local left = inputs_count(state) - from
  local inputs_list = inputs_keys(key)
  if left <= 0 then
    return { 'page', 1, left == 0 and from > 0 and redis.call('LINDEX', inputs_list, from - 1), {} }
  end
  local page = read_page(inputs_list, from, math.min(limit, left), max_bytes)
  page[2] = #page[4] == left and 1 or 0
  return page
end

local left = max_page_bytes
local bytes_beside_element = 50 -- in the reply, and to process it

local function count(element) left = left - #element - bytes_beside_element end

return reply_to_each(function(list, key, at)
  if left <= 0 then return { 'later' } end
  local reply
  if ARGV[at + 1] == 'status' then
    reply = read_status(list, key, ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]),
      tonumber(ARGV[at + 6]))
    if reply and reply[1] == 'ok' then count(reply[3]) end
  elseif ARGV[at + 1] == 'inputs' then
    reply = read_inputs(list, key, ARGV[at + 2], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), left)
  else
    reply = read_page(list, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), left)
  end
  if reply and reply[1] == 'page' then
    if reply[3] then count(reply[3]) end
    for _, element in ipairs(reply[4]) do count(element) end
  end
  return reply
end)
