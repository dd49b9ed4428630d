import { readdirSync, readFileSync } from 'node:fs';

/** What the process needs beside the connections of a load profile: Redis, the log, its own files. */
const besideConnections = 200;

/** Sockets, files and whatever else the process has open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** @throws Error that says what to do, when that many connections cannot be open at a time */
export function requireDescriptors(connections: number): void {
  const needed = connections + besideConnections;
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const allowed = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
  if (allowed < needed) throw new Error(`only ${allowed} files may be open: ulimit -n ${needed}`);
}
