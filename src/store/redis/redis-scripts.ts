import { endsWithinMs } from '../lease.js';
import { smallTerminalBytes } from '../lifecycle.js';
import { maxProducers } from '../producer.js';

/**
 * The list is the truth; the state is what this service remembers of it: a hash with `length`,
 * `last` (SHA-1 of the element at `length - 1`) and `bytes` of the part of the list that it
 * accounts for, with `status`, `ended_at`, `ended_offset` (where readers have all but late titles; 0
 * in a state of an older version), `created_at`, `updated_at`, `lease_ms`, `lease_until`,
 * `producers` (how many are known) and `ttl` (in ms; 0: the one that the service is set to), and
 * with `p:<producer id>` → `epoch:next seq`.
 *
 * A deleted stream leaves a state without a list, its tombstone: length 0, status 'deleted'.
 *
 * `reconcile` drops a state whose list is another one by now, producers and lease included.
 * Elements that it does not account for were pushed by another program, and one of them may have
 * ended the stream: the caller is told where they begin, looks through them, and calls again with
 * what it saw. That is taken for true where it joins on, and where the list still has the element
 * that it ended with. `{'unseen', from, 1}` says that it was taken and could not be noted: the next
 * call has to bring it again, together with what follows.
 *
 * The first arguments of every script on a stream are the time to live in ms that the service is set
 * to, and what was seen: from, to, SHA-1 of the last element, bytes, ending or '', offset after
 * that; all zero or empty at first.
 *
 * A full Redis refuses a script at the first command that writes and may take memory, unless another
 * write came before it. So `PEXPIRE` comes first where something must be stored all the same, and
 * nowhere else.
 */
const reconcile = `
local numbers = { 'length', 'bytes', 'ended_at', 'ended_offset', 'created_at', 'updated_at',
  'lease_ms', 'lease_until', 'producers', 'ttl' }

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function is_at(list, index, sha)
  local element = redis.call('LINDEX', list, index)
  return element and redis.sha1hex(element) == sha
end

local function new_state(now)
  return { length = 0, last = '', bytes = 0, status = '', ended_at = 0, ended_offset = 0,
    created_at = now, updated_at = now, lease_ms = 0, lease_until = 0, producers = 0, ttl = 0 }
end

local function ttl_of(state) return state.ttl > 0 and state.ttl or tonumber(ARGV[1]) end

local function load_state(list, key, now)
  local fields = redis.call('HMGET', key, 'last', 'status', unpack(numbers))
  local state = { last = fields[1], status = fields[2] }
  if not state.last then return new_state(now) end
  for index, name in ipairs(numbers) do state[name] = tonumber(fields[index + 2] or 0) end
  if state.status == 'deleted' then
    if redis.call('EXISTS', list) == 0 then return state end
  elseif is_at(list, state.length - 1, state.last) then
    return state
  end
  redis.call('DEL', key)
  return new_state(now)
end

-- What is remembered of a list outlives it, since another program may extend the list's time: a
-- state without its list is dropped when it is looked at, but a list without its state would take a
-- retry for new events. A full Redis must still be readable: nothing is raised. A list that has an
-- expiry gets one that is no sooner than in least ms. Returns in how many ms it expires, or -1.
local function expire_with_list(list, key, state, least)
  local ttl = redis.call('PTTL', list)
  if ttl > 0 and ttl < least then
    ttl = least
    redis.pcall('PEXPIRE', list, ttl)
  end
  redis.pcall('PEXPIRE', key, 2 * (ttl > 0 and ttl or ttl_of(state)))
  return ttl
end

-- With further fields and values, if there are any. Returns what went wrong, or nil.
local function save_state(key, state, ...)
  local fields = { 'last', state.last, 'status', state.status, ... }
  for _, name in ipairs(numbers) do
    fields[#fields + 1] = name
    fields[#fields + 1] = state[name]
  end
  local saved = redis.pcall('HSET', key, unpack(fields))
  return type(saved) == 'table' and saved.err or nil
end

local function end_stream(state, ending, offset, now)
  state.status, state.ended_at, state.ended_offset = ending, now, offset
  state.lease_ms, state.lease_until = 0, 0
end

-- A sign of life. lease_ms is the new length of the lease, or 0 for the one that it has.
local function renew_lease(state, lease_ms, now)
  if state.status ~= '' then return end
  if lease_ms > 0 then state.lease_ms = lease_ms end
  if state.lease_ms > 0 then state.lease_until = now + state.lease_ms end
end

-- For how many ms after a sign of life a lease keeps its stream; see \`leasedForMs\`.
local function leased_ms(state)
  return state.lease_ms > 0 and 2 * state.lease_ms + ${endsWithinMs} or 0
end

-- What another program pushed is a sign of life too. It renews a lease once: so that is noted past the
-- limit of a full Redis, like any heartbeat.
local function take_seen(list, key, state, now)
  local from, to, sha, bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
  local ending, ended_offset = ARGV[6], tonumber(ARGV[7])
  if to <= state.length or from ~= state.length or not is_at(list, to - 1, sha) then return end
  state.length, state.last, state.bytes = to, sha, state.bytes + bytes
  state.updated_at = now
  if state.status == '' and ending ~= '' then end_stream(state, ending, ended_offset, now) end
  renew_lease(state, 0, now)
  local leased = leased_ms(state)
  if leased > 0 then expire_with_list(list, key, state, leased) end
  state.is_unnoted = save_state(key, state) ~= nil
  if leased == 0 and not state.is_unnoted then expire_with_list(list, key, state, 0) end
end

local function reconcile(list, key, now)
  local length = redis.call('LLEN', list)
  local state = load_state(list, key, now)
  take_seen(list, key, state, now)
  return state, state.length == length
end

local function unseen(state) return { 'unseen', state.length, state.is_unnoted or false } end

-- What is known of a producer: its epoch and the sequence number that comes next, or nil.
local function producer_of(key, id)
  local known = redis.call('HGET', key, 'p:' .. id)
  if not known then return nil end
  local epoch, next_seq = string.match(known, '(%d+):(%d+)')
  return tonumber(epoch), tonumber(next_seq)
end

-- After a deletion: whoever appended to the stream before it is fenced in the one that begins now.
local function fence_all(key)
  local fields = redis.call('HGETALL', key)
  for index = 1, #fields, 2 do
    local epoch = string.sub(fields[index], 1, 2) == 'p:' and string.match(fields[index + 1], '(%d+):')
    if epoch then
      redis.call('HSET', key, fields[index], string.format('%.0f:0', tonumber(epoch) + 1))
    end
  end
end

-- For how many ms a heartbeat lets an open stream live on.
local function heartbeat_ms(state, max_age, now)
  return math.min(math.max(ttl_of(state), leased_ms(state)), state.created_at + max_age - now)
end

-- A heartbeat changes nothing else, unless a full Redis could not note what was seen before it.
local function save_lease(key, state)
  if state.is_unnoted then return save_state(key, state) end
  local saved = redis.pcall('HSET', key, 'lease_ms', state.lease_ms, 'lease_until', state.lease_until)
  return type(saved) == 'table' and saved.err or nil
end

-- Renews lease and expiry of an open stream, also where Redis is full: else its worker would be taken
-- for lost. Returns in how many ms the list expires, or -1, and what went wrong, or nil: a lease that
-- is not kept must not be taken for renewed.
local function take_heartbeat(list, key, state, lease_ms, max_age, now)
  if state.status ~= '' then return expire_with_list(list, key, state, 0) end
  renew_lease(state, lease_ms, now)
  local ttl = expire_with_list(list, key, state, heartbeat_ms(state, max_age, now))
  return ttl, state.lease_ms > 0 and save_lease(key, state) or nil
end

-- Pushes ARGV[first] and all that follow, and what goes with it, to live for so many ms; past the
-- limit of a full Redis, if it is told to and the list is there. Further fields and values go into
-- the state.
local function store(list, key, state, first, ending, channel, lives, past_limit, now, ...)
  if past_limit then redis.call('PEXPIRE', list, lives) end
  redis.call('RPUSH', list, unpack(ARGV, first))
  if not past_limit then redis.call('PEXPIRE', list, lives) end
  for index = first, #ARGV do state.bytes = state.bytes + #ARGV[index] end
  state.length = state.length + #ARGV - first + 1
  state.last = redis.sha1hex(ARGV[#ARGV])
  state.updated_at = now
  if ending ~= '' then end_stream(state, ending, state.length, now) end
  save_state(key, state, ...)
  redis.call('PEXPIRE', key, 2 * lives)
  redis.pcall('PUBLISH', channel, state.length) -- a hint, which a user may not be allowed to give
end
`;

/**
 * Appends a batch, or nothing of it.
 *
 * KEYS: list, state. ARGV: time to live and what was seen, channel, most events, most bytes, events
 * and bytes that count against them, '1' if the batch may follow the end, ms for which it may, the
 * ending that the batch brings or '' (or 'refused' when it goes on after its end), '1' if the batch
 * only ends the stream, and may pass the limit of a full Redis, '1' if it may begin a stream, time to live in ms of one that
 * begins or 0, for how many ms after its beginning heartbeats keep a stream, lease in ms or 0,
 * producer id or '', epoch, sequence number, then the events.
 *
 * Returns {'ok', offset of the first, ms to live}, {'unseen', from}, {'refused'}, {'ended', status},
 * {'full'}, {'may_not_begin'}, {'fenced', epoch}, {'gap', expected}, {'too_many_producers'},
 * {'duplicate', length, false or why the lease was not renewed} when all of it is stored already, or
 * {'skip', count} when the first ones are: then nothing was done, and the caller sends the rest.
 */
export const appendScript = `${reconcile}
local list, key, channel = KEYS[1], KEYS[2], ARGV[8]
local most_events, most_bytes = tonumber(ARGV[9]), tonumber(ARGV[10])
local counted_events, counted_bytes = tonumber(ARGV[11]), tonumber(ARGV[12])
local may_follow_end, grace, ending = ARGV[13] == '1', tonumber(ARGV[14]), ARGV[15]
local only_ends, may_begin = ARGV[16] == '1', ARGV[17] == '1'
local own_ttl, max_age = tonumber(ARGV[18]), tonumber(ARGV[19])
local lease_ms, id, epoch, seq = tonumber(ARGV[20]), ARGV[21], tonumber(ARGV[22]), tonumber(ARGV[23])
local first = 24
local count = #ARGV - first + 1

local now = now_ms()
local state, all_seen = reconcile(list, key, now)
if not all_seen then return unseen(state) end

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

if ending == 'refused' then return { 'refused' } end
local is_late = may_follow_end and state.status ~= 'deleted' and now - state.ended_at <= grace
if state.status ~= '' and not is_late then
  return { 'ended', state.status }
end
local over = state.length + counted_events > most_events or state.bytes + counted_bytes > most_bytes
if over and counted_events > 0 then return { 'full' } end
if state.length == 0 then
  if not may_begin then return { 'may_not_begin' } end
  state.ttl = own_ttl
end
if id ~= '' and not known_epoch then
  if state.producers >= ${maxProducers} then return { 'too_many_producers' } end
  state.producers = state.producers + 1
end

local offset = state.length
if is_reborn then fence_all(key) end
renew_lease(state, lease_ms, now)
local lives = ttl_of(state)
if state.status == '' and ending == '' then lives = math.max(lives, heartbeat_ms(state, max_age, now)) end
-- See \`passesStore\`.
local past_limit = only_ends and offset > 0 and #ARGV[first] <= math.max(${smallTerminalBytes}, state.bytes)
local known = {}
if id ~= '' then known = { 'p:' .. id, string.format('%.0f:%.0f', epoch, seq + count) } end
store(list, key, state, first, ending, channel, lives, past_limit, now, unpack(known))
return { 'ok', offset, lives }
`;

/**
 * Tells what is known of a stream, and renews its lease if that is asked for.
 *
 * KEYS: list, state. ARGV: time to live and what was seen, producer id or '', lease to take in ms or
 * 0, epoch of the producer or -1, for how many ms after its beginning heartbeats keep a stream.
 *
 * Returns false when there is no stream, {'unseen', from}, {'fenced', epoch}, or {'ok', length, last
 * element, status or '', ms since the end, offset of the end, created, updated, ms to live or -1,
 * now, lease in ms or 0, its own time to live in ms or 0, epoch of the producer or false, its next
 * sequence number}.
 */
export const statusScript = `${reconcile}
local list, key = KEYS[1], KEYS[2]
local id, lease_ms, epoch = ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])
local now = now_ms()
local state, all_seen = reconcile(list, key, now)
if not all_seen then return unseen(state) end
if state.length == 0 then return false end
local known_epoch, next_seq, ttl
if id ~= '' then known_epoch, next_seq = producer_of(key, id) end
if lease_ms > 0 then
  if known_epoch and epoch >= 0 and epoch < known_epoch then return { 'fenced', known_epoch } end
  local fault
  ttl, fault = take_heartbeat(list, key, state, lease_ms, tonumber(ARGV[11]), now)
  if fault then return redis.error_reply(fault) end
else
  ttl = expire_with_list(list, key, state, 0)
end
return { 'ok', state.length, redis.call('LINDEX', list, -1), state.status, now - state.ended_at,
  state.ended_offset, state.created_at, state.updated_at, ttl, now, state.lease_ms, state.ttl,
  known_epoch or false, next_seq or 0 }
`;

/**
 * Forgets a stream and leaves its tombstone, with the epochs of its producers. It deletes nothing but
 * a list, and none whose tombstone could not be written; first of all, as a full Redis lets a script
 * write on that has begun by making room.
 *
 * KEYS: list, state. ARGV: channel, ms for which the tombstone stands. Returns 1 if there was a list.
 * Raises WRONGTYPE when the first key is no list, WRONGSTATE when the second is no hash.
 */
export const deleteScript = `
local list, key = KEYS[1], KEYS[2]
if redis.call('LLEN', list) == 0 then return 0 end
local known = redis.pcall('HGET', key, 'status')
if type(known) == 'table' then
  return redis.error_reply((string.gsub(known.err, 'WRONGTYPE', 'WRONGSTATE')))
end
redis.call('DEL', list)
redis.call('HSET', key, 'last', '', 'length', 0, 'bytes', 0, 'status', 'deleted', 'ended_offset', 0,
  'lease_ms', 0, 'ttl', 0)
redis.call('PEXPIRE', key, ARGV[2])
redis.pcall('PUBLISH', ARGV[1], 0)
return 1
`;

/** How old a look at the deadlines may be when it is acted on: Redis may have stood still since. */
const maxLookAgeMs = 1500;

/**
 * Ends a stream whose lease has run out.
 *
 * KEYS: list, state. ARGV: time to live and what was seen, channel, since when Redis was reachable
 * without a break, when the caller looked at the deadlines, the event.
 *
 * Returns {'unseen', from}, {'none'} when nobody waits for a sign of life, {'later', when to look
 * again}, or {'lost'}.
 */
export const endLostScript = `${reconcile}
local list, key, channel = KEYS[1], KEYS[2], ARGV[8]
local since, looked_at = tonumber(ARGV[9]), tonumber(ARGV[10])
local now = now_ms()
local state, all_seen = reconcile(list, key, now)
if not all_seen then return unseen(state) end
-- A node of an older version may have ended the stream, and left the lease as it was.
if state.length == 0 or state.status ~= '' or state.lease_ms == 0 then return { 'none' } end
local due = math.max(state.lease_until, since + state.lease_ms)
-- Between the look and now, signs of life may have been held up like this call.
if math.min(now, looked_at) < due then return { 'later', due } end
if now - looked_at > ${maxLookAgeMs} then return { 'later', now } end
store(list, key, state, 11, 'failed', channel, ttl_of(state), true, now)
return { 'lost' }
`;

/**
 * Reads one page. LRANGE cannot bound bytes, so the elements are taken in slices, each as long as
 * fits at the size seen so far: an element of many megabytes costs itself and hardly more.
 *
 * KEYS: list. ARGV: from, limit, most bytes. Returns whether the end was reached (1 or 0), the
 * element before `from` or false, and the elements: at least one, if there is one.
 */
export const readPageScript = `
local list, from, limit, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local before = nil -- comes with the first slice
local page, bytes, slice = {}, 0, 2
while #page < limit do
  local at = from + #page
  slice = math.min(slice, limit - #page)
  local has_before = before == nil and from > 0
  local elements = redis.call('LRANGE', list, has_before and at - 1 or at, at + slice - 1)
  if before == nil then before = has_before and table.remove(elements, 1) or false end
  for _, element in ipairs(elements) do
    if #page > 0 and bytes + #element > most then return { 0, before, page } end
    page[#page + 1] = element
    bytes = bytes + #element
  end
  if #elements < slice then return { 1, before, page } end
  slice = math.max(1, math.min(slice * 8, math.floor((most - bytes) * #page / (bytes + 1)) + 1))
end
return { 0, before, page }
`;
