-- The state that the service keeps of the list of a stream: a hash with `length`, `last` (SHA-1 of the
-- element at `length - 1`) and `bytes` of the part of the list that it covers, with `status`,
-- `ended_at`, `ended_offset` (from where on readers lack only late titles; 0 in a state of an older
-- version), `created_at`, `updated_at`, `lease_ms`, `lease_until`, `producers` (their number)
-- and `ttl` (in ms; 0: that of the service), with `v` (the version of this layout; the
-- first had none), and with `p:<producer id>` → `epoch:next seq`.
--
-- A deleted stream leaves a state without a list, its tombstone: length 0, status 'deleted'.
--
-- The first argument of every script on a state is the time to live of the service in ms.
--
-- A full Redis rejects a script at its first command that writes and may need memory, unless another
-- write precedes it. So PEXPIRE comes first where something must be stored regardless, and nowhere
-- else.

local numbers = { 'length', 'bytes', 'ended_at', 'ended_offset', 'created_at', 'updated_at',
  'lease_ms', 'lease_until', 'producers', 'ttl' }

local function is_at(list, index, sha)
  local element = redis.call('LINDEX', list, index)
  return element and redis.sha1hex(element) == sha
end

local function newer_state(version)
  return redis.error_reply('NEWERSTATE the state has version ' .. version)
end

local function new_state(now)
  return { length = 0, last = '', bytes = 0, status = '', ended_at = 0, ended_offset = 0,
    created_at = now, updated_at = now, lease_ms = 0, lease_until = 0, producers = 0, ttl = 0 }
end

local function ttl_of(state) return state.ttl > 0 and state.ttl or tonumber(ARGV[1]) end

-- Drops the state, with producers and lease, of a list that was replaced by another one. Returns nil and an
-- error where a newer version has saved it.
local function load_state(list, key, now)
  local fields = redis.call('HMGET', key, 'last', 'status', 'v', unpack(numbers))
  if fields[3] and tonumber(fields[3]) > state_version then return nil, newer_state(fields[3]) end
  local state = { last = fields[1], status = fields[2] }
  if not state.last then return new_state(now) end
  for index, name in ipairs(numbers) do state[name] = tonumber(fields[index + 3] or 0) end
  if state.status == 'deleted' then
    if redis.call('EXISTS', list) == 0 then return state end
  elseif is_at(list, state.length - 1, state.last) then
    return state
  end
  redis.call('DEL', key)
  return new_state(now)
end

-- Saves the state, with further fields and values, if any. Returns an error, or nil.
local function save_state(key, state, ...)
  local fields = { 'last', state.last, 'status', state.status, 'v', state_version, ... }
  for _, name in ipairs(numbers) do
    fields[#fields + 1] = name
    fields[#fields + 1] = state[name]
  end
  local saved = redis.pcall('HSET', key, unpack(fields))
  return type(saved) == 'table' and saved.err or nil
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
  redis.pcall('PEXPIRE', key, 2 * (ttl > 0 and ttl or ttl_of(state)))
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
