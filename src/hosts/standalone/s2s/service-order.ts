import type { ServiceRecord } from './dns.js';

/**
 * The order in which places are tried (RFC 2782): by priority, and among those of the same one by chance, as heavy ones more
 * often first. `random` gives numbers from 0 up to 1.
 */
export function inServiceOrder<T extends ServiceRecord>(records: readonly T[], random: () => number): T[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) =>
    byWeight(
      records.filter((record) => record.priority === priority),
      random,
    ),
  );
}

function byWeight<T extends ServiceRecord>(records: readonly T[], random: () => number): T[] {
  // Those without weight stand first, so that they are chosen only by the lowest number there is.
  const left = [...records].sort((a, b) => Math.min(a.weight, 1) - Math.min(b.weight, 1));
  const ordered: T[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    ordered.push(...left.splice(indexOfChosen(left, Math.floor(random() * (total + 1))), 1));
  }
  return ordered;
}

/** The first one at which the running sum of weights reaches the number. */
function indexOfChosen(records: readonly ServiceRecord[], chosen: number): number {
  let sum = 0;
  return records.findIndex(({ weight }) => {
    sum += weight;
    return sum >= chosen;
  });
}
