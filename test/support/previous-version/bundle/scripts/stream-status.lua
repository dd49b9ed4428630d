-- Returns the status of a stream, and renews its lease on request.
--
-- KEYS[1] list
-- KEYS[2] state
-- ARGV[1] what was scanned
-- ARGV[2] producer id, or ''
-- ARGV[3] new length of the lease in ms, or 0
-- ARGV[4] epoch of the producer, or -1
--
-- Returns false when there is no stream, {'unscanned', from}, {'fenced', epoch}, or {'ok', length,
-- last element, status or '', ms since the end, offset of the end, created, updated, ms to live or
-- -1, now, lease in ms or 0, its own time to live in ms or 0, epoch of the producer or false, its
-- next sequence number}. Raises OTHERVERSION.

-- @include shared/time
-- @include shared/state
-- @include shared/foreign-elements
-- @include shared/lease-renewal

local list, key = KEYS[1], KEYS[2]
local id, lease_ms, epoch = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_ms()
local state, reply, known = reconcile(list, key, ARGV[1], now, id)
if reply then return reply end
if state.length == 0 then return false end
local known_epoch, next_seq = parse_producer(known)
local ttl
if lease_ms > 0 then
  if known_epoch and epoch >= 0 and epoch < known_epoch then return { 'fenced', known_epoch } end
  local fault
  ttl, fault = take_heartbeat(list, key, state, lease_ms, now)
  if fault then return redis.error_reply(fault) end
else
  ttl = expire_with_list(list, key, state, 0)
end
return { 'ok', state.length, redis.call('LINDEX', list, -1), state.status, now - state.ended_at,
  state.ended_offset, state.created_at, state.updated_at, ttl, now, state.lease_ms, state.ttl,
  known_epoch or false, next_seq or 0 }
