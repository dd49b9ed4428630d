-- Appends a batch to a stream atomically.
--
-- KEYS[1] list
-- KEYS[2] state
-- ARGV[1] time to live of the service in ms
-- ARGV[2] to ARGV[7] what was scanned
-- ARGV[8] channel
-- ARGV[9] max events of a stream
-- ARGV[10] max bytes of a stream
-- ARGV[11] events of the batch that count against the max
-- ARGV[12] bytes of the batch that count against the max
-- ARGV[13] '1' if the batch may follow the end
-- ARGV[14] for how many ms after the end it may
-- ARGV[15] the ending in the batch, or ''; 'rejected' when events follow it within the batch
-- ARGV[16] '1' if the batch only ends the stream, and may pass the limit of a full Redis
-- ARGV[17] '1' if the batch may create a stream
-- ARGV[18] time to live in ms of a new stream, or 0 for that of the service
-- ARGV[19] for how many ms after its creation heartbeats keep a stream
-- ARGV[20] lease in ms, or 0
-- ARGV[21] producer id, or ''
-- ARGV[22] epoch
-- ARGV[23] sequence number
-- ARGV[24] and all that follow: the events
--
-- Returns {'ok', offset of the first, ms to live}, {'unscanned', from}, {'rejected'},
-- {'ended', status}, {'full'}, {'may_not_begin'}, {'fenced', epoch}, {'gap', expected},
-- {'too_many_producers'}, {'duplicate', length, false or why the lease was not renewed} when all
-- events were stored before, or {'skip', count} when the first ones were: then nothing was done, and
-- the caller sends the rest. Raises NEWERSTATE.

-- @include shared/time
-- @include shared/state
-- @include shared/foreign-elements
-- @include shared/producer-record
-- @include shared/lease-renewal
-- @include shared/store-events

-- After a deletion: fences the producers of the deleted stream in the new one.
local function fence_all(key)
  local fields = redis.call('HGETALL', key)
  for index = 1, #fields, 2 do
    local epoch = string.sub(fields[index], 1, 2) == 'p:' and string.match(fields[index + 1], '(%d+):')
    if epoch then
      redis.call('HSET', key, fields[index], string.format('%.0f:0', tonumber(epoch) + 1))
    end
  end
end

local list, key, channel = KEYS[1], KEYS[2], ARGV[8]
local max_events, max_bytes = tonumber(ARGV[9]), tonumber(ARGV[10])
local counted_events, counted_bytes = tonumber(ARGV[11]), tonumber(ARGV[12])
local may_follow_end, grace, ending = ARGV[13] == '1', tonumber(ARGV[14]), ARGV[15]
local only_ends, may_begin = ARGV[16] == '1', ARGV[17] == '1'
local own_ttl, max_age = tonumber(ARGV[18]), tonumber(ARGV[19])
local lease_ms, id, epoch, seq = tonumber(ARGV[20]), ARGV[21], tonumber(ARGV[22]), tonumber(ARGV[23])
local first = 24
local count = #ARGV - first + 1

local now = now_ms()
local state, reply = reconcile(list, key, now)
if reply then return reply end

local known_epoch, next_seq
local is_reborn = false
if id ~= '' then
  known_epoch, next_seq = producer_of(key, id)
  if known_epoch and epoch < known_epoch then return { 'fenced', known_epoch } end
  if state.status == 'deleted' and known_epoch and epoch > known_epoch then
    local producers = state.producers
    state, is_reborn = new_state(now), true
    state.producers = producers
  end
  if state.status == 'deleted' then return { 'ended', 'deleted' } end
  local expected = known_epoch == epoch and next_seq or 0
  if seq > expected then return { 'gap', expected } end
  if seq + count <= expected then
    local _, fault = take_heartbeat(list, key, state, lease_ms, max_age, now)
    return { 'duplicate', state.length, fault or false }
  end
  if seq < expected then return { 'skip', expected - seq } end
end

if ending == 'rejected' then return { 'rejected' } end
local is_late = may_follow_end and state.status ~= 'deleted' and now - state.ended_at <= grace
if state.status ~= '' and not is_late then
  return { 'ended', state.status }
end
local over = state.length + counted_events > max_events or state.bytes + counted_bytes > max_bytes
if over and counted_events > 0 then return { 'full' } end
if state.length == 0 then
  if not may_begin then return { 'may_not_begin' } end
  state.ttl = own_ttl
end
if id ~= '' and not known_epoch then
  if state.producers >= max_producers then return { 'too_many_producers' } end
  state.producers = state.producers + 1
end

local offset = state.length
if is_reborn then fence_all(key) end
renew_lease(state, lease_ms, now)
local lives = ttl_of(state)
if state.status == '' and ending == '' then lives = math.max(lives, heartbeat_ms(state, max_age, now)) end
-- See `passesStore`.
local past_limit = only_ends and offset > 0 and #ARGV[first] <= math.max(small_terminal_bytes, state.bytes)
local known = {}
if id ~= '' then known = { 'p:' .. id, string.format('%.0f:%.0f', epoch, seq + count) } end
store_events(list, key, state, first, ending, channel, lives, past_limit, now, unpack(known))
return { 'ok', offset, lives }
