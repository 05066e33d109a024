import { availableParallelism, cpus } from 'node:os';

/** Prints the machine, what was set, and a Markdown table. */
export function printTable(
  setting: string,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const table = [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`;
  process.stdout.write(`${machine}; ${setting}\n\n${table.join('\n')}\n`);
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
