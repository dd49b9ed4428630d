import { pino } from 'pino';

/** A logger, and what it has written. */
export function keepLog(level = 'info') {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level, base: null }, { write: (line) => lines.push(JSON.parse(line)) });
  return { logger, lines };
}
