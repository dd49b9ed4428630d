import { scrape } from '../../../test/support/scrape.js';
import { waitFor } from '../../../test/support/wait-for.js';
import type { ServiceNode } from './service-node.js';

/** How long nodes may take to release readers who have left. */
const releaseMs = 60_000;

/** What must be back to nothing when all readers have left. */
const levels = ['rejoin_feeds_open', 'rejoin_streams_followed'];

/** What nodes keep although nobody needs it any more, or that a node has ended unasked. */
export async function leftoversOf(nodes: readonly ServiceNode[]): Promise<string[]> {
  const kept = await Promise.all(nodes.map(leftoversAt));
  return kept.flat();
}

async function leftoversAt(node: ServiceNode): Promise<string[]> {
  if (node.isKilled) return [];
  try {
    let numbers = await scrape(node.url);
    const areReleased = async () => {
      numbers = await scrape(node.url);
      return levels.every((level) => numbers.get(level) === 0);
    };
    await waitFor('the readers are gone', areReleased, releaseMs).catch(() => {});
    const kept = levels.filter((level) => numbers.get(level) !== 0);
    return kept.map((level) => `I11 ${node.url} has ${level} ${numbers.get(level)}`);
  } catch (error) {
    return [`I11 ${node.url} has exited unexpectedly: ${(error as Error).message}`];
  }
}
