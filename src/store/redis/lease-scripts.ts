/**
 * The deadlines are hints in a sorted set of a slot of its own: a stream is there as long as it may
 * have a lease, at or before the time at which that runs out. One that is overdue is moved a little
 * all the same: a node that looks at it now must not remove it.
 *
 * KEYS: deadlines. ARGV: stream, lease in ms. Returns in how many ms the stream is looked at.
 */
export const hintLeaseScript = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local due = now + tonumber(ARGV[2])
local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or due + 1)
if known <= now then due = now + 1 elseif known <= due then return known - now end
redis.call('ZADD', KEYS[1], due, ARGV[1])
return due - now
`;

/** How many streams are looked at when one of their session is admitted, and when one is noted. */
const [streamsPerAdmission, streamsPerNote] = [100, 10];

/**
 * Notes a stream in the set of its session, unless it is new there and the set is full. Nothing is
 * taken out here: streams that were noted long ago may have been given more time since.
 *
 * KEYS: streams. ARGV: stream, now, before when those were noted that are to be looked at, and the
 * same where the set is full, for how many ms the set is kept at least, how many there may be or '',
 * which admits whatever the number. Returns 1, or 0 when the set is full, and the streams to be
 * looked at: each, and when it was noted.
 */
export const noteStreamScript = `
local most = tonumber(ARGV[6])
local is_full = most and not redis.call('ZSCORE', KEYS[1], ARGV[1])
  and redis.call('ZCOUNT', KEYS[1], '-inf', '+inf') >= most
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', is_full and ARGV[4] or ARGV[3],
  'WITHSCORES', 'LIMIT', 0, most and ${streamsPerAdmission} or ${streamsPerNote})
if is_full then return { 0, unpack(old) } end
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return { 1, unpack(old) }
`;

/**
 * KEYS: deadlines. ARGV: how many, up to when or '' for now. Returns {now, stream, deadline, stream,
 * deadline, …}.
 */
export const dueLeasesScript = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local latest = ARGV[2] == '' and now or ARGV[2]
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', latest, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
return { now, unpack(due) }
`;

/**
 * Moves or removes a member that was looked at, unless somebody has changed its score since. A full
 * Redis lets it be moved, too, as it was taken out before.
 *
 * KEYS: sorted set. ARGV: member, score that was seen, new score, or '' to remove it.
 */
export const settleMemberScript = `
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
local removed = redis.call('ZREM', KEYS[1], ARGV[1])
if ARGV[3] == '' then return removed end
return redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
`;
