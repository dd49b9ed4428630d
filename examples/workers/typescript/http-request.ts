import { once } from 'node:events';
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { TryAgain, WorkerEnded } from './worker-errors.js';

/** How long one request may take, and how long one that stays open may wait for its response. */
const requestMs = 10_000;

export interface ReceivedResponse {
  readonly status: number;
  readonly text: string;
}

export function openRequest(url: string, options: RequestOptions): ClientRequest {
  const open = url.startsWith('https:') ? httpsRequest : httpRequest;
  const request = open(url, options);
  request.on('error', () => {}); // `receive` reports it
  return request;
}

/** @throws TryAgain when there is no response, or what the request was destroyed for */
export async function receive(request: ClientRequest): Promise<ReceivedResponse> {
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { status: response.statusCode as number, text };
  } catch (error) {
    if (error instanceof WorkerEnded || error instanceof TryAgain) throw error;
    throw new TryAgain((error as Error).message, { cause: error });
  }
}

/** Waits for what `receive` has promised, and destroys the request when it takes too long. */
export async function withTimeout(
  request: ClientRequest,
  response: Promise<ReceivedResponse>,
): Promise<ReceivedResponse> {
  const tooLate = new TryAgain(`no response within ${requestMs / 1000} s`);
  const timer = setTimeout(() => request.destroy(tooLate), requestMs);
  try {
    return await response;
  } finally {
    clearTimeout(timer);
  }
}
