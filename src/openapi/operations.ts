import { chatPath, messagePath, sessionPath } from '../http/routes/routes.js';
import type { Operation } from './operation.js';
import { deleteSession, deleteStream, health, metrics, readiness } from './operator-operations.js';
import { follow, getStatus, listStreams, read, resumeChat } from './reader-operations.js';
import { append, renewLease, stop } from './worker-operations.js';

/** The operations by their paths and, in lower case as the document has them, their methods. */
export const operations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  [`${messagePath}/events`]: { post: append, get: read },
  [`${messagePath}/stream`]: { get: follow },
  [messagePath]: { get: getStatus, delete: deleteStream },
  [`${messagePath}/stop`]: { post: stop },
  [`${messagePath}/lease`]: { post: renewLease },
  [sessionPath]: { get: listStreams, delete: deleteSession },
  [chatPath]: { get: resumeChat },
  '/healthz': { get: health },
  '/readyz': { get: readiness },
  '/metrics': { get: metrics },
};
