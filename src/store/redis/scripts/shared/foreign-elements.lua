-- The list is the truth. Elements that the state does not account for were pushed by another
-- program, and one of them may have ended the stream. Only the service can find out: it is told where
-- they begin, scans them, and calls again with the result. The result is valid if it begins where the
-- state ends, and the list still has its last element. A full Redis uses it for this call alone, as it
-- cannot save it.
--
-- The result of a scan is '' at first, then: from, to, checksum of the last element, bytes, offset after the
-- ending, and the ending or nothing, comma-separated.

-- Elements of another program are a heartbeat too, and renew a lease once. So the result is saved beyond
-- the limit of a full Redis, like any heartbeat. Returns up to where the saved state covers the list.
local function take_scanned(list, key, state, scanned, now)
  local from, to, last, bytes, ended_offset, ending =
    string.match(scanned, '^(%d+),(%d+),(%x+),(%d+),(%d+),(%a*)$')
  from, to = tonumber(from), tonumber(to)
  if not from or to <= state.length or from ~= state.length or not is_at(list, to - 1, last) then
    return state.length
  end
  state.length, state.last, state.bytes = to, last, state.bytes + tonumber(bytes)
  state.updated_at = now
  if state.status == '' and ending ~= '' then
    end_stream(state, ending, tonumber(ended_offset), now)
    notify_inputs(list, state)
  end
  renew_lease(state, 0, now)
  local leased = leased_ms(state)
  if leased > 0 then expire_with_list(list, key, state, leased) end
  if save_state(key, state) then return from end
  if leased == 0 then expire_with_list(list, key, state, 0) end
  return to
end

-- Returns the state of the list; or, as its second value, the reply for a state that does not cover all
-- of the list, or cannot be read; and what is known of the producer.
local function reconcile(list, key, scanned, now, producer)
  local length = redis.call('LLEN', list)
  local state, fault, known = load_state(list, key, now, producer)
  if fault then return nil, fault end
  if state.length == length then return state, nil, known end
  fault = older_version(key)
  if fault then return nil, fault end
  local saved = take_scanned(list, key, state, scanned, now)
  if state.length == length then return state, nil, known end
  return nil, { 'unscanned', saved }
end
