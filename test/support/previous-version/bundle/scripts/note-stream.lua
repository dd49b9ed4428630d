-- Notes a stream in the set of its session, unless it is new there and the set is full. Nothing is
-- removed here: the expiry of streams noted long ago may have been extended since.
--
-- KEYS[1] streams of the session, by when they were noted
-- ARGV[1] stream
-- ARGV[2] now
-- ARGV[3] streams noted before this need a check
-- ARGV[4] the same if the set is full
-- ARGV[5] for how many ms the set is kept at least
-- ARGV[6] max streams, or '' to note it whatever the number
--
-- Returns 1, or 0 when the set is full, and the streams that need a check, each with the time when it was noted.

-- Max streams to check when a stream of their session is admitted, and when one is noted.
local per_admission, per_note = 100, 10

local max = tonumber(ARGV[6])
local is_full = max and not redis.call('ZSCORE', KEYS[1], ARGV[1])
  and redis.call('ZCOUNT', KEYS[1], '-inf', '+inf') >= max
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', is_full and ARGV[4] or ARGV[3],
  'WITHSCORES', 'LIMIT', 0, max and per_admission or per_note)
if is_full then return { 0, unpack(old) } end
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return { 1, unpack(old) }
