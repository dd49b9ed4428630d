/** Why a feed ended: */
export const feedEnds = [
  'ended', // the stream has ended, and the client has all of it
  'absent', // after a reset, no stream came
  'not_started', // no stream came in the time that the client gave it
  'max_age', // the feed was old enough: the client goes on in another one
  'token_expired', // the client may read on when it comes back with another token
  'draining', // the node is shutting down: the client goes on elsewhere
  'reset', // the stream is not the one that the client saw, and its dialect has no word for that
  'slow', // the socket took nothing for too long, and was cut
  'failed', // its dialect or its socket threw: the connection was cut, and the log says why
  'left', // the client left, or the connection broke
] as const;

export type FeedEnd = (typeof feedEnds)[number];
