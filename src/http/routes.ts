/** The path of a session. */
export const sessionPath = '/sessions/:sid';

/** The path of one stream, on which all of its routes stand. */
export const messagePath = '/sessions/:sid/messages/:mid';
