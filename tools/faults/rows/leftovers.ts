import { scrape } from '../../../test/support/scrape.js';
import { waitFor } from '../../../test/support/wait-for.js';
import type { ServiceNode } from './service-node.js';

/** How long nodes may take to forget readers who have left. */
const forgetMs = 60_000;

/** What must be back to nothing when all readers have left. */
const levels = ['rejoin_feeds_open', 'rejoin_streams_followed'];

/** What nodes keep although nobody needs it any more, or that one has ended by itself. */
export async function leftoversOf(nodes: readonly ServiceNode[]): Promise<string[]> {
  const kept = await Promise.all(nodes.map(leftoversAt));
  return kept.flat();
}

async function leftoversAt(node: ServiceNode): Promise<string[]> {
  if (node.isKilled) return [];
  try {
    let numbers = await scrape(node.url);
    const isForgotten = async () => {
      numbers = await scrape(node.url);
      return levels.every((level) => numbers.get(level) === 0);
    };
    await waitFor('the readers are gone', isForgotten, forgetMs).catch(() => {});
    const kept = levels.filter((level) => numbers.get(level) !== 0);
    return kept.map((level) => `I11 ${node.url} has ${level} ${numbers.get(level)}`);
  } catch (error) {
    return [`I11 ${node.url} has exited unexpectedly: ${(error as Error).message}`];
  }
}
