import { waitFor } from './net.js';

/** The metrics of a running Belfry, as Prometheus reads them. */
export async function metricsOf(httpBase: string): Promise<string> {
  const response = await fetch(`${httpBase}/metrics`);
  return response.text();
}

/** A value of them; undefined if there is none by that name and those labels. */
async function metricOf(httpBase: string, name: string): Promise<number | undefined> {
  const lines = (await metricsOf(httpBase)).split('\n');
  const value = lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  return value === undefined ? undefined : Number(value);
}

/** Resolves when so many Web Pushes wait on disk. */
export function untilWaiting(
  httpBase: string,
  count: number,
  limits?: Parameters<typeof waitFor>[2],
): Promise<void> {
  const areThere = async () => (await metricOf(httpBase, 'belfry_web_pushes_waiting')) === count;
  return waitFor(`${count} Web Pushes to wait`, areThere, limits);
}

/**
 * How many publishes the gateway has answered that no browser was told of. Those are counted before the server has its answer; what
 * is delivered is counted after the browser has it, which may be later than a test looks.
 */
export async function countUndelivered(httpBase: string): Promise<number> {
  const lines = (await metricsOf(httpBase)).split('\n');
  const ofPublishes = lines.filter((line) => line.startsWith('belfry_gateway_publishes_total{'));
  const undelivered = ofPublishes.filter((line) => !line.includes('outcome="delivered"'));
  return undelivered.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
