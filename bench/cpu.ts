import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second (USER_HZ) on every machine that Node runs on. */
const ticksPerSecond = 100;

/** Seconds of CPU, user and system, that the process has used since it began; all its threads together. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name in parentheses and may hold blanks; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Seconds of CPU of the process's first thread alone: where JavaScript runs that is not in a worker. */
export function mainThreadSeconds(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ');
  return Number(nanoseconds) / 1e9;
}
