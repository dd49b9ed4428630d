/**
 * The list is the truth; the state is what this service remembers of it: a hash with `length`,
 * `last` (SHA-1 of the element at `length - 1`) and `bytes` of the part of the list that it
 * accounts for, and with `status`, `ended_at`, `created_at`, `updated_at`.
 *
 * `reconcile` drops a state whose list is another one by now, looks through elements that it does
 * not account for yet, since another program may have pushed a terminal event, and stops after
 * about a megabyte or a thousand elements: then the caller answers 'again'.
 */
const reconcile = String.raw`
local slice, most_work, work_per_element = 50, 1048576, 1048

local function ending_of(element)
  local plain = not string.find(element, '"complete"', 1, true)
    and not string.find(element, '"stop"', 1, true)
    and not string.find(element, '"error"', 1, true)
    and not string.find(element, '\\u00', 1, true)
  if plain then return nil end
  local decoded, event = pcall(cjson.decode, element)
  if not decoded or type(event) ~= 'table' then return nil end
  if event.type == 'complete' then return 'complete' end
  if event.type == 'stop' then return 'stopped' end
  if event.type == 'error' and event.done == true then return 'failed' end
  return nil
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function load_state(list, key, now)
  local f = redis.call('HMGET', key,
    'length', 'last', 'bytes', 'status', 'ended_at', 'created_at', 'updated_at')
  if f[1] then
    local length = tonumber(f[1])
    local last = redis.call('LINDEX', list, length - 1)
    if last and redis.sha1hex(last) == f[2] then
      return { length = length, last = f[2], bytes = tonumber(f[3]), status = f[4] or '',
        ended_at = tonumber(f[5]) or 0, created_at = tonumber(f[6]), updated_at = tonumber(f[7]) }
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

local function expire_with_list(list, key)
  local ttl = redis.call('PTTL', list)
  if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
end

local function look_through(list, state, length, now)
  local work = 0
  while state.length < length and work < most_work do
    local elements = redis.call('LRANGE', list, state.length, state.length + slice - 1)
    for _, element in ipairs(elements) do
      if state.status == '' then
        local ending = ending_of(element)
        if ending then state.status, state.ended_at = ending, now end
      end
      state.bytes = state.bytes + #element
      work = work + #element + work_per_element
    end
    state.length = state.length + #elements
    state.last = redis.sha1hex(elements[#elements])
  end
  state.updated_at = now
end

local function reconcile(list, key, now)
  local length = redis.call('LLEN', list)
  local state = load_state(list, key, now)
  if state.length < length then
    look_through(list, state, length, now)
    save_state(key, state)
    expire_with_list(list, key)
  end
  return state, state.length == length
end
`;

/**
 * Appends a batch, or nothing of it.
 *
 * KEYS: list, state. ARGV: channel, time to live in ms, most events, most bytes, events and bytes
 * that count against them, '1' if the batch may follow the end, ms for which it may, the ending
 * that the batch brings or '', then the events.
 *
 * Returns {'ok', offset of the first}, {'again'}, {'ended', status} or {'full'}.
 */
export const appendScript = `${reconcile}
local list, key, channel = KEYS[1], KEYS[2], ARGV[1]
local ttl, most_events, most_bytes = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local counted_events, counted_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local may_follow_end, grace, ending = ARGV[7] == '1', tonumber(ARGV[8]), ARGV[9]
local first = 10

local now = now_ms()
local state, all_seen = reconcile(list, key, now)
if not all_seen then return { 'again' } end
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
 * KEYS: list, state. Returns false when there is no stream, {'again'}, or {'ok', length, last
 * element, status or '', ms since the end, created, updated, ms to live or -1, now}.
 */
export const statusScript = `${reconcile}
local list, key = KEYS[1], KEYS[2]
local now = now_ms()
local state, all_seen = reconcile(list, key, now)
if not all_seen then return { 'again' } end
if state.length == 0 then return false end
return { 'ok', state.length, redis.call('LINDEX', list, -1), state.status, now - state.ended_at,
  state.created_at, state.updated_at, redis.call('PTTL', list), now }
`;
