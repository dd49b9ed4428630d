-- The state that the service keeps of the list of a stream: a hash with `s`, packed as below, `i` if the
-- stream has inputs, and `p:<producer id>` → `epoch:next seq` for each producer. Redis keeps a hash of few short values in one
-- piece of memory, which takes one call each to read and to write: `s` must not pass 64 bytes.
--
-- A deleted stream leaves a state without a list, its tombstone: length 0, status 'deleted'.
--
-- A full Redis rejects a script at its first command that writes and may need memory, unless another
-- write precedes it. So PEXPIRE comes first where something must be stored regardless, and nowhere
-- else.

-- version of the layout (1 byte), status (1, an index of `statuses`), length (4) and bytes (6) of the part of
-- the list that the state covers, created_at (6), updated_at (6), ended_at or else lease_until (6),
-- ended_offset (4: from where on readers lack only late titles), lease_ms (4), producers (2, their
-- number), ttl (5, in ms; 0: that of the service), and `last`, the checksum of the element at
-- `length - 1` (12).
local layout = '>BBI4I6I6I6I6I4I4I2I5c12'
local layout_size = 57
local no_checksum = string.rep('-', 12)

local statuses = { '', 'complete', 'stopped', 'failed', 'deleted' }
local status_codes = { [''] = 1, complete = 2, stopped = 3, failed = 4, deleted = 5 }

local function checksum(element) return string.sub(redis.sha1hex(element), 1, 12) end

local function is_at(list, index, last)
  local element = redis.call('LINDEX', list, index)
  return element and checksum(element) == last
end

-- Nodes of two versions do not share streams: what one of them has stored of a producer, the other one
-- would not know, and store again.
local function other_version(found)
  return redis.error_reply('OTHERVERSION the state has version ' .. found)
end

-- The state of the versions before stood under another key. It is looked for only where something is
-- missing or unknown here, which is the case as long as another version has stored anything.
local function older_version(key)
  local older = string.gsub(key, '2$', '')
  return redis.call('EXISTS', older) == 1 and other_version('1') or nil
end

local function new_state(now)
  return { length = 0, last = no_checksum, bytes = 0, status = '', ended_at = 0, ended_offset = 0,
    created_at = now, updated_at = now, lease_ms = 0, lease_until = 0, producers = 0, ttl = 0 }
end

-- The inputs of the stream in `i`: their number (4), the acknowledged offset (4), their bytes (6), and the
-- checksum of the last one (12). They stand in a list of their own, and in a hash of their ids with the
-- checksums of what was sent. Both expire with the state and are dropped with it.
local inputs_layout = '>I4I4I6c12'

local function new_inputs() return { count = 0, ack = 0, bytes = 0, last = no_checksum } end

local function unpack_inputs(packed)
  local inputs = {}
  inputs.count, inputs.ack, inputs.bytes, inputs.last = struct.unpack(inputs_layout, packed)
  return inputs
end

local function inputs_count(state) return state.inputs and state.inputs.count or 0 end

-- The list of the inputs and the hash of their ids. While a cluster moves the slot, a script may find them missing
-- unless they are among its keys: then it may expire or drop them, and draws no other conclusion.
local function inputs_keys(key)
  local stem = string.gsub(key, '::state2$', '')
  return stem .. '::inputs', stem .. '::input-ids'
end

-- Watchers of the inputs are told of the end of the stream too.
local function notify_inputs(list, state)
  redis.pcall('PUBLISH', list .. '::inputs' .. channel_suffix, inputs_count(state))
end

local function ttl_of(state) return state.ttl > 0 and state.ttl or service_ttl end

-- Returns nil and an error where the layout is another one.
local function unpack_state(packed)
  local version = string.byte(packed)
  if version ~= state_version or #packed ~= layout_size then return nil, other_version(version or '?') end
  local state = {}
  local status, at, _
  _, status, state.length, state.bytes, state.created_at, state.updated_at, at, state.ended_offset,
    state.lease_ms, state.producers, state.ttl, state.last = struct.unpack(layout, packed)
  state.status = statuses[status]
  local is_open = state.status == ''
  state.ended_at, state.lease_until = is_open and 0 or at, is_open and at or 0
  return state
end

-- The epoch of a producer and its next sequence number, or nil if it is unknown.
local function parse_producer(known)
  if not known then return nil end
  local epoch, next_seq = string.match(known, '(%d+):(%d+)')
  return tonumber(epoch), tonumber(next_seq)
end

-- Drops the state with all that stands beside it. `packed` is the field `i`, if there is any.
local function drop_state(key, packed)
  if packed then redis.call('DEL', key, inputs_keys(key)) else redis.call('DEL', key) end
end

-- Returns the state, an error where another version has saved one, and what is known of the producer.
-- Drops the state, with producers, lease and inputs, of a list that was replaced by another one.
local function load_state(list, key, now, producer)
  local packed, packed_inputs, known
  if producer == '' then packed, packed_inputs = unpack(redis.call('HMGET', key, 's', 'i'))
  else packed, packed_inputs, known = unpack(redis.call('HMGET', key, 's', 'i', 'p:' .. producer)) end
  if not packed then
    local fault = older_version(key)
    return not fault and new_state(now) or nil, fault
  end
  local state, fault = unpack_state(packed)
  if fault then return nil, fault end
  if packed_inputs then state.inputs = unpack_inputs(packed_inputs) end
  if state.status == 'deleted' then
    if redis.call('EXISTS', list) == 0 then return state, nil, known end
  elseif is_at(list, state.length - 1, state.last) then
    return state, nil, known
  end
  drop_state(key, packed_inputs)
  return new_state(now)
end

-- Saves the state, with further fields and values, if any. Returns an error, or nil.
local function save_state(key, state, ...)
  local at = state.status == '' and state.lease_until or state.ended_at
  local packed = struct.pack(layout, state_version, status_codes[state.status], state.length, state.bytes,
    state.created_at, state.updated_at, at, state.ended_offset, state.lease_ms, state.producers, state.ttl,
    state.last)
  local saved
  if state.inputs then
    local inputs = state.inputs
    local packed_inputs = struct.pack(inputs_layout, inputs.count, inputs.ack, inputs.bytes, inputs.last)
    saved = redis.pcall('HSET', key, 's', packed, 'i', packed_inputs, ...)
  else
    saved = redis.pcall('HSET', key, 's', packed, ...)
  end
  return type(saved) == 'table' and saved.err or nil
end

local function expire_state(key, state, ms)
  redis.pcall('PEXPIRE', key, ms)
  if not state.inputs then return end
  for _, inputs_key in ipairs({ inputs_keys(key) }) do redis.pcall('PEXPIRE', inputs_key, ms) end
end

-- The state outlives its list, since another program may extend the expiry of the list: a state without
-- its list is dropped by the next script, but a list without its state would store a retry again. A full
-- Redis must remain readable, so no error is raised. A list with an expiry gets one no sooner than in
-- min ms. Returns the ms until it expires, or -1.
local function expire_with_list(list, key, state, min)
  local ttl = redis.call('PTTL', list)
  if ttl > 0 and ttl < min then
    ttl = min
    redis.pcall('PEXPIRE', list, ttl)
  end
  expire_state(key, state, 2 * (ttl > 0 and ttl or ttl_of(state)))
  return ttl
end

local function end_stream(state, ending, offset, now)
  state.status, state.ended_at, state.ended_offset = ending, now, offset
  state.lease_ms, state.lease_until = 0, 0
end

-- lease_ms is the new length of the lease, or 0 to keep the present one.
local function renew_lease(state, lease_ms, now)
  if state.status ~= '' then return end
  if lease_ms > 0 then state.lease_ms = lease_ms end
  if state.lease_ms > 0 then state.lease_until = now + state.lease_ms end
end

-- The number of ms that a lease keeps its stream after a heartbeat; see `leasedForMs` and `constants`.
local function leased_ms(state)
  return state.lease_ms > 0 and 2 * state.lease_ms + ends_within_ms or 0
end
