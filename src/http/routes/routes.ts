/** The path of a session. */
export const sessionPath = '/sessions/:sid';

/** The path of one stream, the prefix of all its routes. */
export const messagePath = '/sessions/:sid/messages/:mid';

/** Where a page of the AI SDK resumes the chat that is this session. */
export const chatPath = `/ai-sdk${sessionPath}/stream`;
