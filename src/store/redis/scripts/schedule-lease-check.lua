-- Schedules the check of a lease. The deadlines are hints in a sorted set of a slot of its own: a
-- stream is there as long as it may have a lease, at or before the time at which that runs out. One
-- that is overdue is moved a little all the same: a node that checks it now must not remove it.
--
-- KEYS[1] deadlines
-- ARGV[1] stream
-- ARGV[2] lease in ms
--
-- Returns in how many ms the stream is checked.

-- @include shared/time

local now = now_ms()
local due = now + tonumber(ARGV[2])
local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or due + 1)
if known <= now then due = now + 1 elseif known <= due then return known - now end
redis.call('ZADD', KEYS[1], due, ARGV[1])
return due - now
