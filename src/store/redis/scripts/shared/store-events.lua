-- Pushes ARGV[first] and all that follow, saves what goes with it, to live for that many ms, and
-- notifies; past the limit of a full Redis, if it is told to and the list is there. Further fields
-- and values go into the state.
local function store_events(list, key, state, first, ending, channel, lives, past_limit, now, ...)
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
