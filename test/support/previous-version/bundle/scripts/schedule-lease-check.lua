-- Schedules the check of a lease. The deadlines are hints in a sorted set in its own slot: a stream is
-- in it as long as it may have a lease, at or before the time of expiry. An overdue deadline is moved
-- a little too, so that a node that checks the stream now does not remove it.
--
-- KEYS[1] deadlines
-- ARGV[1] stream
-- ARGV[2] lease in ms
--
-- Returns the number of ms until the check.

-- @include shared/time

local now = now_ms()
local due = now + tonumber(ARGV[2])
local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or due + 1)
if known <= now then due = now + 1 elseif known <= due then return known - now end
redis.call('ZADD', KEYS[1], due, ARGV[1])
return due - now
