-- For how many ms a heartbeat lets an open stream live on.
local function heartbeat_ms(state, max_age, now)
  return math.min(math.max(ttl_of(state), leased_ms(state)), state.created_at + max_age - now)
end

-- Renews lease and expiry of an open stream, also where Redis is full: else its producer would expire
-- though it lives. Returns in how many ms the list expires, or -1, and what went wrong, or nil: a
-- lease that could not be saved must not be taken for renewed.
local function take_heartbeat(list, key, state, lease_ms, max_age, now)
  if state.status ~= '' then return expire_with_list(list, key, state, 0) end
  renew_lease(state, lease_ms, now)
  local ttl = expire_with_list(list, key, state, heartbeat_ms(state, max_age, now))
  return ttl, state.lease_ms > 0 and save_state(key, state) or nil
end
