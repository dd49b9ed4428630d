/** The most CPU time, in milliseconds, between two turns of the event loop while this is done. */
export async function longestBlock(act: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let before = process.cpuUsage();
  const look = () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    longest = Math.max(longest, (user + system) / 1000);
  };
  const looks = setInterval(look, 1);
  await act();
  clearInterval(looks);
  look();
  return longest;
}

/**
 * Measures again until a value is within its bound, at most five times. A collection of garbage
 * may fall into any attempt; what the work itself costs is in each of them.
 *
 * @returns the least value
 */
export async function leastOfAttempts(
  measure: () => Promise<number>,
  bound: number,
): Promise<number> {
  let least = Infinity;
  for (let attempt = 0; attempt < 5 && least >= bound; attempt += 1) {
    least = Math.min(least, await measure());
  }
  return least;
}
