/** What happens to a feed while a client follows it. */
export const scenarioNames = [
  'FIN',
  'RST',
  'FIN in a frame',
  'black hole',
  'restart, memory',
  'restart, Redis',
  'max_age',
  'DELETE',
  'token expiry',
  'end',
] as const;

export type ScenarioName = (typeof scenarioNames)[number];
