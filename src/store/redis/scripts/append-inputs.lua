-- Appends inputs to an open stream, all of them or none. Those whose ids are stored are skipped.
--
-- KEYS[1] list
-- KEYS[2] state
-- KEYS[3] list of the inputs
-- KEYS[4] hash of their ids
-- ARGV[1] what was scanned
-- ARGV[2] and all that follow, for each input: its id, the checksum of what was sent, the input
--
-- Returns {'ok', number of inputs before, number stored now}, {'none'} when there is no stream,
-- {'unscanned', from}, {'conflict', id} when another input has the id, {'ended', status, number skipped}, or
-- {'full', number skipped}. Raises OTHERVERSION.

-- @include shared/time
-- @include shared/state
-- @include shared/foreign-elements

local list, key, inputs_list, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- Drops what the state does not account for: inputs of an earlier stream, or the rest of inputs that Redis lost.
local function sound_inputs(inputs)
  if inputs and redis.call('LLEN', inputs_list) == inputs.count and is_at(inputs_list, inputs.count - 1, inputs.last) then
    return inputs
  end
  -- Not without need: after a write, a full Redis would accept the inputs.
  if redis.call('EXISTS', inputs_list, ids) > 0 then redis.call('DEL', inputs_list, ids) end
  return new_inputs()
end

local now = now_ms()
local state, reply = reconcile(list, key, ARGV[1], now, '')
if reply then return reply end
if state.status == 'deleted' then return { 'ended', 'deleted', 0 } end
if state.length == 0 then return { 'none' } end
local inputs = sound_inputs(state.inputs)

local texts, fields, bytes, skipped = {}, {}, inputs.bytes, 0
for index = 2, #ARGV, 3 do
  local id, checksum_of_sent, text = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  local known = inputs.count > 0 and redis.call('HGET', ids, id)
  if not known then
    texts[#texts + 1] = text
    fields[#fields + 1], fields[#fields + 2] = id, checksum_of_sent
    bytes = bytes + #text
  elseif known == checksum_of_sent then
    skipped = skipped + 1
  else
    return { 'conflict', id }
  end
end
if #texts == 0 then return { 'ok', inputs.count, 0 } end
if state.status ~= '' then return { 'ended', state.status, skipped } end
if inputs.count + #texts > max_inputs or bytes > max_input_bytes then return { 'full', skipped } end

redis.call('RPUSH', inputs_list, unpack(texts))
redis.call('HSET', ids, unpack(fields))
local offset = inputs.count
inputs.count, inputs.bytes, inputs.last = offset + #texts, bytes, checksum(texts[#texts])
state.inputs = inputs
save_state(key, state)
expire_with_list(list, key, state, 0)
notify_inputs(list, state)
return { 'ok', offset, #texts }
