import { readdirSync, readFileSync } from 'node:fs';
import { cpuSeconds } from '../cpu.js';

/** The process and all its descendants. */
function processTree(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}

/** Seconds of CPU, user and system, that the process and its living descendants have used. */
export function treeCpuSeconds(pid: number): number {
  return sum(processTree(pid).map(cpuSeconds));
}

/** Bytes of memory of the process and its descendants; what several share counts in parts (PSS). */
export function treeMemory(pid: number): number {
  return sum(processTree(pid).map(memory));
}

function memory(pid: number): number {
  const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1];
  return Number(kibibytes) * 1024;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
