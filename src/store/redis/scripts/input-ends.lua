-- Compares the numbers of inputs of many streams with what they were: one command for the polls of many input feeds.
--
-- KEYS the list and the state of each stream
-- ARGV[i] expected number of inputs of stream i
--
-- Returns for each stream 1 if it is open and has as many inputs, or does not exist and none are expected; else false:
-- also where another program has pushed, or the state cannot be read.

-- @include shared/time
-- @include shared/state

local function is_same(list, key, expected)
  local length = redis.pcall('LLEN', list)
  if length == 0 then return expected == 0 end
  local packed, packed_inputs = unpack(redis.pcall('HMGET', key, 's', 'i'))
  local state = packed and unpack_state(packed)
  if not state or state.status ~= '' or state.length ~= length then return false end
  return (packed_inputs and unpack_inputs(packed_inputs).count or 0) == expected
end

local ends = {}
for index = 1, #ARGV do
  ends[index] = is_same(KEYS[2 * index - 1], KEYS[2 * index], tonumber(ARGV[index])) and 1
end
return ends
