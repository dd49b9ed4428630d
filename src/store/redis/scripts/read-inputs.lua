-- Reads a page of the inputs of a stream: only those that its state accounts for are part of it.
--
-- KEYS[1] list
-- KEYS[2] state
-- KEYS[3] list of the inputs
-- ARGV[1] what was scanned
-- ARGV[2] index of the first input
-- ARGV[3] max inputs
--
-- Returns {'unscanned', from}, or a page as `shared/pages` has it. Raises OTHERVERSION.

-- @include shared/time
-- @include shared/state
-- @include shared/foreign-elements
-- @include shared/pages

local inputs_list = KEYS[3]
local from, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local state, reply = reconcile(KEYS[1], KEYS[2], ARGV[1], now_ms(), '')
if reply then return reply end
local count = inputs_count(state)
if redis.call('LLEN', inputs_list) ~= count then count = 0 end -- Redis lost them, or they are of an earlier stream
local left = count - from
if left <= 0 then return { 'page', 1, left == 0 and from > 0 and redis.call('LINDEX', inputs_list, from - 1), {} } end
return read_page(inputs_list, from, limit, max_page_bytes)
