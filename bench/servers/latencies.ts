import { createHistogram } from 'node:perf_hooks';

/** A histogram of milliseconds. */
export function createLatencies() {
  const histogram = createHistogram();
  return {
    record: (latency: number) => histogram.record(Math.max(1, Math.round(latency * 1000))),
    count: () => histogram.count,
    percentile: (percentile: number) => histogram.percentile(percentile) / 1000,
  };
}
