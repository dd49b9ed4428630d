import { type ErrorCode, errorTable } from '../../src/errors.js';

export type Route =
  | 'events'
  | 'stream'
  | 'inputs'
  | 'inputFeed'
  | 'stop'
  | 'lease'
  | 'status'
  | 'session'
  | 'chat'
  | 'unknown';

/** What was sent, as far as it says what may come back. */
export interface Sent {
  readonly method: string;
  readonly route: Route;
  /** Whether both ids are ones that the service takes. */
  readonly hasIds: boolean;
  /** Whether bytes of it were changed at random: then it may be any other request. */
  readonly isMangled: boolean;
  readonly isComplete: boolean;
  /** Whether it claims to be a retry of a producer: then events may be there already. */
  readonly hasProducer: boolean;
}

export interface ReceivedResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** One request with what came of it. */
export interface Exchange {
  readonly sent: Sent;
  /** Null when the connection was closed without one. */
  readonly response: ReceivedResponse | null;
  /** How many events the stream had before and after; of a request to its inputs, how many inputs. */
  readonly before: number;
  readonly after: number;
  /** Whether a stream that nobody wrote to is another one than before. */
  readonly isOtherChanged: boolean;
}

/** The statuses that the documents give a route, beside those of every request. */
const documented: Readonly<Record<Route, Readonly<Record<string, readonly number[]>>>> = {
  events: { GET: [200, 410], HEAD: [200, 410], POST: [200, 201, 408, 409, 413, 415, 429, 507] },
  stream: { GET: [200, 204, 406], HEAD: [200, 204, 406] },
  inputs: {
    GET: [200, 410],
    HEAD: [200, 410],
    POST: [200, 201, 404, 408, 409, 413, 415, 429, 507],
  },
  inputFeed: { GET: [200, 204, 406], HEAD: [200, 204, 406] },
  stop: { POST: [200, 409, 413, 415, 507] },
  lease: { POST: [200, 404, 409, 413, 415] },
  status: { GET: [200, 404], HEAD: [200, 404], DELETE: [204, 413, 415] },
  session: { GET: [200], HEAD: [200], DELETE: [204, 413, 415] },
  chat: { GET: [200, 204, 406], HEAD: [200, 204, 406] },
  unknown: {},
};

const ofAnyRequest = [400, 403, 408, 421, 431, 501];

/** All that is wrong with an exchange. */
export function faultsOf(exchange: Exchange): string[] {
  const { response, sent, isOtherChanged } = exchange;
  const faults: string[] = [];
  if (isOtherChanged) faults.push('another stream has changed');
  if (response === null) {
    if (sent.isComplete && !sent.isMangled) faults.push('there is no answer');
    return faults;
  }
  if (!mayRespond(sent, response.status))
    faults.push(`the status ${response.status} is not documented`);
  if (response.status >= 400 && sent.method !== 'HEAD') faults.push(...problemFaults(response));
  if (!sent.isMangled) faults.push(...storedFaults(exchange, response));
  return faults;
}

function mayRespond(sent: Sent, status: number): boolean {
  if (status >= 500 && status !== 507) return false;
  if (ofAnyRequest.includes(status)) return true;
  if (sent.isMangled) return true;
  const { route, method, hasIds } = sent;
  const statuses = documented[route][method];
  if (route === 'unknown' || !hasIds) return [404, 405, 413, 415].includes(status);
  return statuses?.includes(status) ?? status === 405;
}

function problemFaults({ status, contentType, body }: ReceivedResponse): string[] {
  if (contentType !== 'application/problem+json; charset=utf-8') return ['this is no problem'];
  const { code, ...problem } = parse(body);
  const known = errorTable[code as ErrorCode];
  if (known === undefined) return [`there is no code ${String(code)}`];
  return known.status === status && problem.status === status
    ? []
    : ['the code has another status'];
}

/** Whether the response says truly what is stored. */
function storedFaults({ sent, before, after }: Exchange, response: ReceivedResponse): string[] {
  const grown = after - before;
  const writes = sent.method === 'POST' && ['events', 'stop', 'inputs'].includes(sent.route);
  if (sent.method === 'DELETE') return after === 0 || grown === 0 ? [] : ['half of it is deleted'];
  if (!writes) return grown === 0 ? [] : ['something was stored'];
  if (response.status < 400)
    return sent.route === 'stop' ? stopFaults(grown) : appended(grown, response);
  const { stored, code, instance } = parse(response.body);
  // What is no HTTP request is rejected before its route is known.
  const isNoRequest = code === 'invalid_header' && instance === '/';
  if (isNoRequest && grown === 0) return [];
  if (response.status === 431 || response.status === 408 || !sent.isComplete) return [];
  if (typeof stored !== 'number') return ['it does not say what is stored'];
  // Inputs are idempotent without a producer.
  const mayRepeat = sent.hasProducer || sent.route === 'inputs';
  const isTrue = mayRepeat ? stored >= grown : stored === grown;
  return isTrue ? [] : [`it says that ${stored} are stored, and ${grown} are`];
}

function stopFaults(grown: number): string[] {
  return grown === 0 || grown === 1 ? [] : [`a stop has stored ${grown}`];
}

function appended(grown: number, { body }: ReceivedResponse): string[] {
  const { count } = parse(body);
  return count === grown ? [] : [`it says that ${String(count)} are stored, and ${grown} are`];
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {}; // that nothing is in it is the fault
  }
}
