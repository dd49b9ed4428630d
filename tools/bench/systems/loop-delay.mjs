// Preloaded into a service whose event loop is watched: at SIGWINCH it writes the longest time in ms since the
// last signal that a timer was late, which is how long something else had the loop.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolution = 5;
const delay = monitorEventLoopDelay({ resolution });
delay.enable();

process.on('SIGWINCH', () => {
  const longestMs = Math.max(delay.max / 1e6 - resolution, 0);
  delay.reset();
  writeFileSync('loop-delay.part', String(longestMs));
  renameSync('loop-delay.part', 'loop-delay');
});
