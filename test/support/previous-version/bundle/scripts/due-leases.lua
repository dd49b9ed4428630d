-- Lists the streams whose leases are due for a check, earliest deadline first.
--
-- KEYS[1] deadlines
-- ARGV[1] max streams
-- ARGV[2] due up to when, or '' for now
--
-- Returns {now, stream, deadline, stream, deadline, …}.

-- @include shared/time

local now = now_ms()
local latest = ARGV[2] == '' and now or ARGV[2]
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', latest, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
return { now, unpack(due) }
