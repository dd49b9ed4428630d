-- Reads statuses and pages of streams: those that arrive at the service together share one command. A status
-- renews a lease on request.
--
-- ARGV for each call:
--   'status', what was scanned, producer id or '', new length of the lease in ms or 0, epoch of the producer
--   or -1, acknowledged offset of the inputs or -1: with either of the two, a heartbeat; or
--   'page', index of the first element, max elements
--
-- Returns for each status false when there is no stream, {'unscanned', from}, {'fenced', epoch},
-- {'inputs_gap', number of inputs}, or {'ok', length, last element, status or '', ms since the end, offset of
-- the end, created, updated, ms to live or -1, now, lease in ms or 0, its own time to live in ms or 0, epoch of
-- the producer or false, its next sequence number, number of inputs, acknowledged offset}; for each page {'page', whether the end was reached (1 or 0), the element before the
-- first or false, the elements: at least one, if there is one}; for either {'later'} when the calls before it
-- have used up the bytes of one reply, and {'error', message} where a command failed, OTHERVERSION included.

-- @include shared/time
-- @include shared/state
-- @include shared/foreign-elements
-- @include shared/lease-renewal
-- @include shared/calls
-- @include shared/pages

local now = now_ms()

local function read_status(list, key, scanned, id, lease_ms, epoch, ack)
  local state, reply, known = reconcile(list, key, scanned, now, id)
  if reply then return reply end
  if state.length == 0 then return false end
  local known_epoch, next_seq = parse_producer(known)
  local ttl
  if lease_ms > 0 or ack >= 0 then
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
  return { 'ok', state.length, redis.call('LINDEX', list, -1), state.status, now - state.ended_at,
    state.ended_offset, state.created_at, state.updated_at, ttl, now, state.lease_ms, state.ttl,
    known_epoch or false, next_seq or 0, inputs.count, inputs.ack }
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
  else
    reply = read_page(list, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), left)
    if reply[3] then count(reply[3]) end
    for _, element in ipairs(reply[4]) do count(element) end
  end
  return reply
end)
