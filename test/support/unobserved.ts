import type { FeedObserver } from '../../src/feed/feed-observer.js';

const nothing = () => {};

export const unobserved: FeedObserver = {
  opened: nothing,
  rejected: nothing,
  closed: nothing,
  reset: nothing,
  read: nothing,
  began: nothing,
  delivered: nothing,
  caughtUp: nothing,
};
