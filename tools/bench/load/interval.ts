/** What happened between two measurements of the load and the server. */
export interface Interval {
  readonly seconds: number;
  readonly delivered: number;
  readonly stored: number;
  readonly serverCpuUs: number;
  /** That of Redis. */
  readonly storeCpuUs: number;
  readonly generatorCpuUs: number;
  /** For how long the load generator had something to do. */
  readonly generatorBusyUs: number;
  /** That of the whole machine; NaN where that is not known. */
  readonly machineCpuUs: number;
}

export function sumOf(intervals: readonly Interval[]): Interval {
  const sum = (key: keyof Interval) =>
    intervals.reduce((total, interval) => total + interval[key], 0);
  return {
    seconds: sum('seconds'),
    delivered: sum('delivered'),
    stored: sum('stored'),
    serverCpuUs: sum('serverCpuUs'),
    storeCpuUs: sum('storeCpuUs'),
    generatorCpuUs: sum('generatorCpuUs'),
    generatorBusyUs: sum('generatorBusyUs'),
    machineCpuUs: sum('machineCpuUs'),
  };
}

export function difference(before: Interval, after: Interval): Interval {
  return {
    seconds: after.seconds - before.seconds,
    delivered: after.delivered - before.delivered,
    stored: after.stored - before.stored,
    serverCpuUs: after.serverCpuUs - before.serverCpuUs,
    storeCpuUs: after.storeCpuUs - before.storeCpuUs,
    generatorCpuUs: after.generatorCpuUs - before.generatorCpuUs,
    generatorBusyUs: after.generatorBusyUs - before.generatorBusyUs,
    machineCpuUs: after.machineCpuUs - before.machineCpuUs,
  };
}

/**
 * How busy everybody was, in percent of a core. Every scenario reports it. `othersPercent` is what
 * the machine did beside the benchmark, and in its kernel for nobody in particular.
 */
export function busyFigures(interval: Interval) {
  const { seconds, serverCpuUs, storeCpuUs, generatorCpuUs, machineCpuUs } = interval;
  const percent = (us: number) => us / 1e4 / seconds;
  return {
    serverPercent: percent(serverCpuUs),
    storePercent: percent(storeCpuUs),
    generatorPercent: percent(interval.generatorBusyUs),
    othersPercent: percent(machineCpuUs - serverCpuUs - storeCpuUs - generatorCpuUs),
  };
}
