-- Ends a stream whose lease has expired.
--
-- KEYS[1] list
-- KEYS[2] state
-- ARGV[1] what was scanned
-- ARGV[2] since when Redis was reachable without a break
-- ARGV[3] when the caller read the deadlines
-- ARGV[4] the event that ends the stream
--
-- Returns {'unscanned', from}, {'none'} when there is no lease, {'later', when to check again}, or
-- {'expired'}. Raises OTHERVERSION.

-- @include shared/time
-- @include shared/state
-- @include shared/foreign-elements
-- @include shared/store-events

-- Max age of a check when it takes effect: Redis may have paused since.
local max_check_age_ms = 1500

local list, key = KEYS[1], KEYS[2]
local since, checked_at = tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
local state, reply = reconcile(list, key, ARGV[1], now, '')
if reply then return reply end
-- A node of an older version may have ended the stream, and left the lease as it was.
if state.length == 0 or state.status ~= '' or state.lease_ms == 0 then return { 'none' } end
local due = math.max(state.lease_until, since + state.lease_ms)
-- Between the check and now, heartbeats may have been delayed like this call.
if math.min(now, checked_at) < due then return { 'later', due } end
if now - checked_at > max_check_age_ms then return { 'later', now } end
store_events(list, key, state, 4, 4, 'failed', ttl_of(state), true, now)
return { 'expired' }
