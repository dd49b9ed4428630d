/**
 * The list is the truth; the state is what this service remembers of it: a hash with `length`,
 * `last` (SHA-1 of the element at `length - 1`) and `bytes` of the part of the list that it
 * accounts for, and with `status`, `ended_at`, `created_at`, `updated_at`.
 *
 * `reconcile` drops a state whose list is another one by now. Elements that it does not account for
 * were pushed by another program, and one of them may have ended the stream: the caller is told
 * where they begin, looks through them, and calls again with what it saw. That is taken for true
 * where it joins on, and where the list still has the element that it ended with.
 *
 * The first arguments of every script are what was seen: from, to, SHA-1 of the last element,
 * bytes, ending or ''; all zero or empty at first.
 */
const reconcile = `
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function is_at(list, index, sha)
  local element = redis.call('LINDEX', list, index)
  return element and redis.sha1hex(element) == sha
end

local function load_state(list, key, now)
  local f = redis.call('HMGET', key,
    'length', 'last', 'bytes', 'status', 'ended_at', 'created_at', 'updated_at')
  if f[1] then
    local length = tonumber(f[1])
    if is_at(list, length - 1, f[2]) then
      return { length = length, last = f[2], bytes = tonumber(f[3]), status = f[4],
        ended_at = tonumber(f[5]), created_at = tonumber(f[6]), updated_at = tonumber(f[7]) }
    end
    redis.call('DEL', key)
  end
  return { length = 0, last = '', bytes = 0, status = '', ended_at = 0,
    created_at = now, updated_at = now }
end

local function save_state(key, state)
  redis.call('HSET', key, 'length', state.length, 'last', state.last, 'bytes', state.bytes,
    'status', state.status, 'ended_at', state.ended_at,
    'created_at', state.created_at, 'updated_at', state.updated_at)
end

local function take_seen(list, key, state, now)
  local from, to, sha, bytes, ending = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
  if to <= state.length or from ~= state.length or not is_at(list, to - 1, sha) then return end
  state.length, state.last, state.bytes = to, sha, state.bytes + tonumber(bytes)
  state.updated_at = now
  if state.status == '' and ending ~= '' then state.status, state.ended_at = ending, now end
  save_state(key, state)
  local ttl = redis.call('PTTL', list)
  if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
end

local function reconcile(list, key, now)
  local length = redis.call('LLEN', list)
  local state = load_state(list, key, now)
  take_seen(list, key, state, now)
  return state, state.length == length
end
`;

/**
 * Appends a batch, or nothing of it.
 *
 * KEYS: list, state. ARGV: what was seen, channel, time to live in ms, most events, most bytes, events and bytes
 * that count against them, '1' if the batch may follow the end, ms for which it may, the ending
 * that the batch brings or '', then the events.
 *
 * Returns {'ok', offset of the first}, {'unseen', from}, {'ended', status} or {'full'}.
 */
export const appendScript = `${reconcile}
local list, key, channel = KEYS[1], KEYS[2], ARGV[6]
local ttl, most_events, most_bytes = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])
local counted_events, counted_bytes = tonumber(ARGV[10]), tonumber(ARGV[11])
local may_follow_end, grace, ending = ARGV[12] == '1', tonumber(ARGV[13]), ARGV[14]
local first = 15

local now = now_ms()
local state, all_seen = reconcile(list, key, now)
if not all_seen then return { 'unseen', state.length } end
if state.status ~= '' and not (may_follow_end and now - state.ended_at <= grace) then
  return { 'ended', state.status }
end
local over = state.length + counted_events > most_events or state.bytes + counted_bytes > most_bytes
if over and counted_events > 0 then return { 'full' } end

-- unpack takes about 8,000 values: push in slices.
for from = first, #ARGV, 5000 do
  redis.call('RPUSH', list, unpack(ARGV, from, math.min(from + 4999, #ARGV)))
end
redis.call('PEXPIRE', list, ttl)
local offset = state.length
for index = first, #ARGV do state.bytes = state.bytes + #ARGV[index] end
state.length = offset + #ARGV - first + 1
state.last = redis.sha1hex(ARGV[#ARGV])
state.updated_at = now
if ending ~= '' then state.status, state.ended_at = ending, now end
save_state(key, state)
redis.call('PEXPIRE', key, ttl)
redis.call('PUBLISH', channel, state.length)
return { 'ok', offset }
`;

/**
 * KEYS: list, state. ARGV: what was seen.
 *
 * Returns false when there is no stream, {'unseen', from}, or {'ok', length, last element, status
 * or '', ms since the end, created, updated, ms to live or -1, now}.
 */
export const statusScript = `${reconcile}
local list, key = KEYS[1], KEYS[2]
local now = now_ms()
local state, all_seen = reconcile(list, key, now)
if not all_seen then return { 'unseen', state.length } end
if state.length == 0 then return false end
return { 'ok', state.length, redis.call('LINDEX', list, -1), state.status, now - state.ended_at,
  state.created_at, state.updated_at, redis.call('PTTL', list), now }
`;
