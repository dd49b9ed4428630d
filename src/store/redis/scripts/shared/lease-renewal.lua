-- The number of ms that an open stream lives after a heartbeat.
local function heartbeat_ms(state, now)
  return math.min(math.max(ttl_of(state), leased_ms(state)), state.created_at + max_age - now)
end

-- The worker has taken in the inputs before this offset, which is none beyond their end. Returns whether that
-- is new.
local function acknowledge(state, offset)
  if not state.inputs or offset <= state.inputs.ack then return false end
  state.inputs.ack = offset
  return true
end

-- Renews lease and expiry of an open stream, even if Redis is full: otherwise a living producer would
-- expire. Returns the ms until the list expires, or -1, and an error, or nil: a lease or an acknowledgement
-- that could not be saved must not count.
local function take_heartbeat(list, key, state, lease_ms, ack, now)
  local is_open = state.status == ''
  if is_open then renew_lease(state, lease_ms, now) end
  local ttl = expire_with_list(list, key, state, is_open and heartbeat_ms(state, now) or 0)
  local must_save = acknowledge(state, ack) or (is_open and state.lease_ms > 0)
  return ttl, must_save and save_state(key, state) or nil
end
