/** How many connections are opened at a time: a listening socket queues few. */
const waveSize = 100;

/** Does it for all of them, in their order, a hundred at a time. */
export async function inWaves<Item, Result>(
  items: readonly Item[],
  open: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const opened: Result[] = [];
  for (let at = 0; at < items.length; at += waveSize) {
    opened.push(...(await Promise.all(items.slice(at, at + waveSize).map(open))));
  }
  return opened;
}
