-- Appends batches to streams, each atomically: those that arrive at the service together share one command.
--
-- ARGV for each append:
--   1 what was scanned
--   2 events of the batch that count against the max
--   3 bytes of the batch that count against the max
--   4 flags: 'b' if the batch may create a stream, 'l' if it may follow the end, 'e' if it only ends the
--     stream, and may pass the limit of a full Redis; such an append has a script to itself
--   5 the ending in the batch, or ''; 'rejected' when events follow it within the batch
--   6 time to live in ms of a new stream, or 0 for that of the service
--   7 lease in ms, or 0
--   8 producer id, or ''
--   9 epoch
--   10 sequence number
--   11 acknowledged offset of the inputs, or -1
--   12 and all that follow: the events
--
-- Returns for each append {'ok', offset of the first, number of inputs, ms to live}, {'unscanned', from},
-- {'rejected'}, {'ended', status}, {'full'}, {'may_not_begin'}, {'fenced', epoch}, {'gap', expected},
-- {'inputs_gap', number of inputs, number of events stored before}, {'inputs_unread', number of inputs}, {'too_many_producers'},
-- {'duplicate', length, number of inputs, false or why the heartbeat was not saved} when all
-- events were stored before, {'skip', count} when the first ones were: then nothing was done, and
-- the caller sends the rest; or {'error', message} where a command failed, OTHERVERSION included. Raises READONLY.

-- @include shared/time
-- @include shared/state
-- @include shared/foreign-elements
-- @include shared/lease-renewal
-- @include shared/store-events
-- @include shared/calls

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

local now = now_ms()

-- Returns nil for a duplicate while others are to come: its heartbeat is a write after which a full Redis would
-- accept theirs.
local function append(list, key, at, last, is_last)
  local flags, ending, lease_ms, id = ARGV[at + 4], ARGV[at + 5], tonumber(ARGV[at + 7]), ARGV[at + 8]
  local ack = tonumber(ARGV[at + 11])
  local first = at + 12
  local count = last - first + 1

  local state, reply, known = reconcile(list, key, ARGV[at + 1], now, id)
  if reply then return reply end

  local known_epoch, next_seq = parse_producer(known)
  local epoch, seq = tonumber(ARGV[at + 9]), tonumber(ARGV[at + 10])
  local is_reborn = false
  if id ~= '' then
    if known_epoch and epoch < known_epoch then return { 'fenced', known_epoch } end
    if state.status == 'deleted' and known_epoch and epoch > known_epoch then
      local producers = state.producers
      state, is_reborn = new_state(now), true
      state.producers = producers
    end
    if state.status == 'deleted' then return { 'ended', 'deleted' } end
    local expected = known_epoch == epoch and next_seq or 0
    if seq > expected then return { 'gap', expected } end
    if ack > inputs_count(state) then
      return { 'inputs_gap', inputs_count(state), math.min(expected - seq, count) }
    end
    if seq + count <= expected then
      if not is_last then return nil end
      local _, fault = take_heartbeat(list, key, state, lease_ms, ack, now)
      return { 'duplicate', state.length, inputs_count(state), fault or false }
    end
    if seq < expected then return { 'skip', expected - seq } end
  end

  if ack > inputs_count(state) then return { 'inputs_gap', inputs_count(state), 0 } end
  if ending == 'rejected' then return { 'rejected' } end
  local is_late = string.find(flags, 'l', 1, true) and state.status ~= 'deleted' and now - state.ended_at <= title_grace
  if state.status ~= '' and not is_late then
    return { 'ended', state.status }
  end
  local counted_events, counted_bytes = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local over = state.length + counted_events > max_events or state.bytes + counted_bytes > max_bytes
  if over and counted_events > 0 then return { 'full' } end
  if ending ~= '' and ack >= 0 and state.inputs and math.max(ack, state.inputs.ack) < state.inputs.count then
    return { 'inputs_unread', state.inputs.count }
  end
  if state.length == 0 then
    if not string.find(flags, 'b', 1, true) then return { 'may_not_begin' } end
    state.ttl = tonumber(ARGV[at + 6])
  end
  if id ~= '' and not known_epoch then
    if state.producers >= max_producers then return { 'too_many_producers' } end
    state.producers = state.producers + 1
  end

  local offset = state.length
  if is_reborn then fence_all(key) end
  acknowledge(state, ack)
  renew_lease(state, lease_ms, now)
  local lives = ttl_of(state)
  if state.status == '' and ending == '' then lives = math.max(lives, heartbeat_ms(state, now)) end
  -- See `passesStore`.
  local past_limit = string.find(flags, 'e', 1, true) and offset > 0 and #ARGV[first] <= math.max(small_terminal_bytes, state.bytes)
  local producer = {}
  if id ~= '' then producer = { 'p:' .. id, string.format('%.0f:%.0f', epoch, seq + count) } end
  store_events(list, key, state, first, last, ending, lives, past_limit, now, unpack(producer))
  return { 'ok', offset, inputs_count(state), lives }
end

return reply_to_each(append)
