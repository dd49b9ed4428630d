/** A request that is not measured. @throws Error unless the response is a success */
export async function send(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
  const text = await response.text();
  if (response.ok) return;
  throw new Error(`${method} ${path} got ${response.status}: ${text}`);
}
