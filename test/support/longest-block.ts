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
