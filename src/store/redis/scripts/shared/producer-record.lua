-- The epoch of a producer and its next sequence number, or nil if it is unknown.
local function producer_of(key, id)
  local known = redis.call('HGET', key, 'p:' .. id)
  if not known then return nil end
  local epoch, next_seq = string.match(known, '(%d+):(%d+)')
  return tonumber(epoch), tonumber(next_seq)
end
