-- Deletes a stream and leaves its tombstone, with the epochs of its producers. It deletes only
-- lists, and none whose tombstone cannot be written. The deletion comes first, since a full Redis lets
-- a script write once it has made room.
--
-- KEYS[1] list
-- KEYS[2] state
-- ARGV[1] for how many ms the tombstone is kept
--
-- Returns 1 if there was a list, else 0. Raises WRONGTYPE when the first key is no list, WRONGSTATE
-- when the second is no hash, OTHERVERSION when another version of the service has saved it.

-- @include shared/time
-- @include shared/state

local list, key = KEYS[1], KEYS[2]
local length = redis.call('LLEN', list)
if length == 0 then return 0 end
local fields = redis.pcall('HMGET', key, 's', 'i')
if fields.err then return redis.error_reply((string.gsub(fields.err, 'WRONGTYPE', 'WRONGSTATE'))) end
local packed, packed_inputs = unpack(fields)
local now = now_ms()
local state, fault = new_state(now), nil
if packed then state, fault = unpack_state(packed) end
if not fault and state.length ~= length then fault = older_version(key) end
if fault then return fault end
local tombstone = new_state(state.created_at)
tombstone.status, tombstone.producers, tombstone.updated_at = 'deleted', state.producers, state.updated_at
redis.call('DEL', list)
if packed_inputs then
  redis.call('DEL', inputs_keys(key))
  tombstone.inputs = new_inputs()
end
local unsaved = save_state(key, tombstone)
if unsaved then return redis.error_reply(unsaved) end
redis.call('PEXPIRE', key, ARGV[1])
redis.pcall('PUBLISH', list .. channel_suffix, 0)
notify_inputs(list, tombstone)
return 1
