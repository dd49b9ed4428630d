/** The health check of the image: exits with 0 when the service with these settings is up. */
import { loadConfig } from '../config/config.js';

/** A service that listens on all addresses is checked on loopback. */
const loopback: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

try {
  const { host, port } = loadConfig(process.env, process.cwd()).server;
  const address = loopback[host] ?? host;
  const place = address.includes(':') ? `[${address}]` : address;
  const { status } = await fetch(`http://${place}:${port}/healthz`);
  if (status !== 200) throw new Error(`/healthz responds ${status}`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
