/** Requests that are not measured. @throws Error unless each is answered with success */
export async function deleteAll(port: number, paths: readonly string[]): Promise<void> {
  for (const path of paths) await send(port, 'DELETE', path);
}

export async function send(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
  const text = await response.text();
  if (!response.ok)
    throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
}
