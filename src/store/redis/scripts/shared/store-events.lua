-- Pushes ARGV[first] to ARGV[last], saves the state and the expiry, and notifies; beyond the
-- limit of a full Redis, if requested and the list exists. Further fields and values go into the state.
local function store_events(list, key, state, first, last, ending, lives, past_limit, now, ...)
  if past_limit then redis.call('PEXPIRE', list, lives) end
  redis.call('RPUSH', list, unpack(ARGV, first, last))
  if not past_limit then redis.call('PEXPIRE', list, lives) end
  for index = first, last do state.bytes = state.bytes + #ARGV[index] end
  state.length = state.length + last - first + 1
  state.last = checksum(ARGV[last])
  state.updated_at = now
  if ending ~= '' then end_stream(state, ending, state.length, now) end
  save_state(key, state, ...)
  expire_state(key, state, 2 * lives)
  redis.pcall('PUBLISH', list .. channel_suffix, state.length) -- a hint, for which the user of Redis may lack the permission
  if ending ~= '' then notify_inputs(list, state) end
end
