-- The list is the truth. Elements that the state does not account for were pushed by another
-- program, and one of them may have ended the stream. Only the service can find out: it is told where
-- they begin, scans them, and calls again with the result. The result is valid if it begins where the
-- state ends, and the list still has its last element. A full Redis uses it for this call alone, as it
-- cannot save it.
--
-- ARGV[2] to ARGV[7] of every script that reconciles are the result of a scan: from, to, SHA-1 of the last
-- element, bytes, ending or '', offset after that; all zero or empty at first.

-- Elements of another program are a heartbeat too, and renew a lease once. So the result is saved beyond
-- the limit of a full Redis, like any heartbeat. Returns up to where the saved state covers the list.
local function take_scanned(list, key, state, now)
  local from, to, sha, bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
  local ending, ended_offset = ARGV[6], tonumber(ARGV[7])
  if to <= state.length or from ~= state.length or not is_at(list, to - 1, sha) then
    return state.length
  end
  state.length, state.last, state.bytes = to, sha, state.bytes + bytes
  state.updated_at = now
  if state.status == '' and ending ~= '' then end_stream(state, ending, ended_offset, now) end
  renew_lease(state, 0, now)
  local leased = leased_ms(state)
  if leased > 0 then expire_with_list(list, key, state, leased) end
  if save_state(key, state) then return from end
  if leased == 0 then expire_with_list(list, key, state, 0) end
  return to
end

-- Returns the state of the list; or, as its second value, the reply for a state that does not cover all
-- of the list, or cannot be read.
local function reconcile(list, key, now)
  local length = redis.call('LLEN', list)
  local state, fault = load_state(list, key, now)
  if fault then return nil, fault end
  local saved = take_scanned(list, key, state, now)
  if state.length == length then return state end
  return nil, { 'unscanned', saved }
end
