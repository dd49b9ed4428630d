/** The numbers of `/metrics` by series: `name`, or `name{label="value"}` as it is printed. */
export type Numbers = ReadonlyMap<string, number>;

export async function scrape(base: string): Promise<Numbers> {
  const text = await scrapeText(base);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

export async function scrapeText(base: string): Promise<string> {
  return (await fetch(`${base}/metrics`)).text();
}

/** What has been added to each series since; those that have not changed are left out. */
export async function growth(base: string, before: Numbers): Promise<Record<string, number>> {
  const changes = [...(await scrape(base))].map(
    ([series, value]) => [series, value - (before.get(series) ?? 0)] as const,
  );
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}
