-- The number of ms that an open stream lives after a heartbeat.
local function heartbeat_ms(state, now)
  return math.min(math.max(ttl_of(state), leased_ms(state)), state.created_at + max_age - now)
end

-- Renews lease and expiry of an open stream, even if Redis is full: otherwise a living producer would
-- expire. Returns the ms until the list expires, or -1, and an error, or nil: a lease that could not be
-- saved must not count as renewed.
local function take_heartbeat(list, key, state, lease_ms, now)
  if state.status ~= '' then return expire_with_list(list, key, state, 0) end
  renew_lease(state, lease_ms, now)
  local ttl = expire_with_list(list, key, state, heartbeat_ms(state, now))
  return ttl, state.lease_ms > 0 and save_state(key, state) or nil
end
