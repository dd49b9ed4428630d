/** What a worker does: it posts events. */
export async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  return postText(url, JSON.stringify(body), headers);
}

export async function postText(
  url: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

export function eventsUrl(base: string, sid = 's1', mid = 'm1'): string {
  return `${base}/sessions/${sid}/messages/${mid}/events`;
}

export function feedUrl(base: string, query = '', sid = 's1', mid = 'm1'): string {
  return `${base}/sessions/${sid}/messages/${mid}/stream${query}`;
}
