import { fanOut } from './fan-out.js';
import { ndjson } from './ndjson.js';
import { replay } from './replay.js';
import type { Scenario } from './scenario.js';
import { singlePost } from './single-post.js';

export const allScenarios: readonly Scenario[] = [fanOut, singlePost, ndjson, replay];
