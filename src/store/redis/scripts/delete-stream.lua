-- Deletes a stream and leaves its tombstone, with the epochs of its producers. It deletes only
-- lists, and none whose tombstone cannot be written. The deletion comes first, since a full Redis lets
-- a script write once it has made room.
--
-- KEYS[1] list
-- KEYS[2] state
-- ARGV[1] channel
-- ARGV[2] for how many ms the tombstone is kept
--
-- Returns 1 if there was a list, else 0. Raises WRONGTYPE when the first key is no list, WRONGSTATE
-- when the second is no hash, NEWERSTATE when a newer version of the service has saved it.

-- @include shared/state

local list, key = KEYS[1], KEYS[2]
if redis.call('LLEN', list) == 0 then return 0 end
local version = redis.pcall('HGET', key, 'v')
if type(version) == 'table' then
  return redis.error_reply((string.gsub(version.err, 'WRONGTYPE', 'WRONGSTATE')))
end
if version and tonumber(version) > state_version then return newer_state(version) end
redis.call('DEL', list)
redis.call('HSET', key, 'last', '', 'length', 0, 'bytes', 0, 'status', 'deleted', 'ended_offset', 0,
  'lease_ms', 0, 'ttl', 0, 'v', state_version)
redis.call('PEXPIRE', key, ARGV[2])
redis.pcall('PUBLISH', ARGV[1], 0)
return 1
