-- The calls of a script that serves several, as the queue of the service sends them: KEYS are the list and
-- the state of each, ARGV the number of its arguments and these.
--
-- Returns the reply of `call(list, key, at, last, is_last)` for each, whose arguments are those behind ARGV[at],
-- up to ARGV[last], or {'error', message} where a command failed. A call that returns nil is made again after
-- all others, with is_last. One that is put off with {'later'} is sent again, in a script of its own. Raises READONLY.
local function reply_to_each(call)
  local is_replica = false

  local function reply_to(number, at, is_last)
    local list, key = KEYS[2 * number - 1], KEYS[2 * number]
    local is_done, reply = pcall(call, list, key, at, at + tonumber(ARGV[at]), is_last)
    if is_done and not (reply and reply.err) then return reply end
    local message = type(reply) == 'table' and reply.err or reply
    is_replica = is_replica or string.find(message, 'READONLY', 1, true) ~= nil
    return { 'error', message }
  end

  local replies, delayed = {}, {}
  local at = 1
  for number = 1, #KEYS / 2 do
    replies[number] = reply_to(number, at, #KEYS == 2)
    if replies[number] == nil then
      replies[number] = false
      delayed[#delayed + 1] = { number, at }
    end
    at = at + tonumber(ARGV[at]) + 1
  end
  for _, call_and_place in ipairs(delayed) do
    local number, begins = unpack(call_and_place)
    replies[number] = reply_to(number, begins, true)
  end
  -- A replica takes no writes at all. As the reply to the command, that makes the client look for the primary.
  if is_replica then return redis.error_reply('READONLY this is a replica') end
  return replies
end
