import { agentRuns } from './agents.js';
import { fanOut } from './fan-out.js';
import { fanOut50, fanOut300 } from './fan-out-at-a-rate.js';
import { growth } from './growth.js';
import { herd, herdShared } from './herd.js';
import { hotStream } from './hot-stream.js';
import { idle, idleMany, idleShared } from './idle.js';
import { inputs } from './inputs.js';
import { latency } from './latency.js';
import { ndjson } from './ndjson.js';
import { replay } from './replay.js';
import type { Scenario } from './scenario.js';
import { producerPost, singlePost } from './single-post.js';

export const allScenarios: readonly Scenario[] = [
  fanOut,
  fanOut300,
  fanOut50,
  singlePost,
  producerPost,
  ndjson,
  replay,
  latency,
  inputs,
  idle,
  idleShared,
  idleMany,
  herd,
  herdShared,
  hotStream,
  growth,
  agentRuns,
];
