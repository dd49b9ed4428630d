/** `Authorization` with the key in the environment, where the service has keys. */
export function keyHeaders(): Record<string, string> {
  const key = process.env.REJOIN_KEY;
  return key ? { authorization: `Bearer ${key}` } : {};
}
