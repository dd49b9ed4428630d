-- What the service remembers of the list of a stream: a hash with `length`, `last` (SHA-1 of the
-- element at `length - 1`) and `bytes` of the part of the list that it accounts for, with `status`,
-- `ended_at`, `ended_offset` (where readers have all but late titles; 0 in a state of an older
-- version), `created_at`, `updated_at`, `lease_ms`, `lease_until`, `producers` (how many are known)
-- and `ttl` (in ms; 0: the one that the service is set to), with `v` (the version of this form; the
-- first had none), and with `p:<producer id>` → `epoch:next seq`.
--
-- A deleted stream leaves a state without a list, its tombstone: length 0, status 'deleted'.
--
-- The first argument of every script on a state is the time to live in ms that the service is set to.
--
-- A full Redis rejects a script at the first command that writes and may take memory, unless another
-- write came before it. So PEXPIRE comes first where something must be stored all the same, and
-- nowhere else.

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

-- Drops a state whose list is another one by now, producers and lease included. Returns nil and an
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

-- With further fields and values, if there are any. Returns what went wrong, or nil.
local function save_state(key, state, ...)
  local fields = { 'last', state.last, 'status', state.status, 'v', state_version, ... }
  for _, name in ipairs(numbers) do
    fields[#fields + 1] = name
    fields[#fields + 1] = state[name]
  end
  local saved = redis.pcall('HSET', key, unpack(fields))
  return type(saved) == 'table' and saved.err or nil
end

-- What is remembered of a list outlives it, since another program may extend the list's time: a
-- state without its list is dropped by the next script, but a list without its state would take a
-- retry for new events. A full Redis must still be readable: nothing is raised. A list that has an
-- expiry gets one that is no sooner than in min ms. Returns in how many ms it expires, or -1.
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

-- lease_ms is the new length of the lease, or 0 for the one that it has.
local function renew_lease(state, lease_ms, now)
  if state.status ~= '' then return end
  if lease_ms > 0 then state.lease_ms = lease_ms end
  if state.lease_ms > 0 then state.lease_until = now + state.lease_ms end
end

-- For how many ms after a heartbeat a lease keeps its stream; see `leasedForMs` and `constants`.
local function leased_ms(state)
  return state.lease_ms > 0 and 2 * state.lease_ms + ends_within_ms or 0
end
