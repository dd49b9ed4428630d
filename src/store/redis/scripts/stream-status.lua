-- Returns the status of a stream, and renews its lease on request.
--
-- KEYS[1] list
-- KEYS[2] state
-- ARGV[1] time to live of the service in ms
-- ARGV[2] to ARGV[7] what was scanned
-- ARGV[8] producer id, or ''
-- ARGV[9] new length of the lease in ms, or 0
-- ARGV[10] epoch of the producer, or -1
-- ARGV[11] for how many ms after its creation heartbeats keep a stream
--
-- Returns false when there is no stream, {'unscanned', from}, {'fenced', epoch}, or {'ok', length,
-- last element, status or '', ms since the end, offset of the end, created, updated, ms to live or
-- -1, now, lease in ms or 0, its own time to live in ms or 0, epoch of the producer or false, its
-- next sequence number}. Raises NEWERSTATE.

-- @include shared/time
-- @include shared/state
-- @include shared/foreign-elements
-- @include shared/producer-record
-- @include shared/lease-renewal

local list, key = KEYS[1], KEYS[2]
local id, lease_ms, epoch = ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])
local now = now_ms()
local state, reply = reconcile(list, key, now)
if reply then return reply end
if state.length == 0 then return false end
local known_epoch, next_seq, ttl
if id ~= '' then known_epoch, next_seq = producer_of(key, id) end
if lease_ms > 0 then
  if known_epoch and epoch >= 0 and epoch < known_epoch then return { 'fenced', known_epoch } end
  local fault
  ttl, fault = take_heartbeat(list, key, state, lease_ms, tonumber(ARGV[11]), now)
  if fault then return redis.error_reply(fault) end
else
  ttl = expire_with_list(list, key, state, 0)
end
return { 'ok', state.length, redis.call('LINDEX', list, -1), state.status, now - state.ended_at,
  state.ended_offset, state.created_at, state.updated_at, ttl, now, state.lease_ms, state.ttl,
  known_epoch or false, next_seq or 0 }
