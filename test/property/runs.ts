/** How often a costly property is tried: `PROPERTY_FACTOR` multiplies it. */
export function runs(usual: number): number {
  return usual * Number(process.env.PROPERTY_FACTOR ?? 1);
}
