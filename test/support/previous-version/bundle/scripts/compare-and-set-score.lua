-- Moves or removes a member of a sorted set, unless its score has changed since it was read. A
-- move works on a full Redis too, since the member is removed first.
--
-- KEYS[1] sorted set
-- ARGV[1] member
-- ARGV[2] score that was read
-- ARGV[3] new score, or '' to remove the member
--
-- Returns 1 if it was done, else 0.

if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
local removed = redis.call('ZREM', KEYS[1], ARGV[1])
if ARGV[3] == '' then return removed end
return redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
