import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const read = (path: string) => readFileSync(root + path, 'utf8');
export const doc = (name: string) => read(`docs/${name}`);

/** The rows of all tables in a text, as cells without their blanks; without heads and rulers. */
export function tableRows(markdown: string): string[][] {
  const lines = markdown.split('\n');
  return lines
    .filter(
      (line, at) => line.startsWith('|') && !line.startsWith('|--') && !lines[at + 1]?.startsWith('|--'),
    )
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

export const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

/** The text below a heading of the second level, up to the next one. */
export function section(markdown: string, heading: string): string {
  const [, after = ''] = markdown.split(`\n## ${heading}\n`);
  return after.split('\n## ')[0] ?? '';
}

/** The number that a file of src/ gives a name which it keeps to itself: `= 10_000`, `: 16 * 1024`. */
export function constant(file: string, name: string): number {
  const source = read(`src/${file}`);
  const product = new RegExp(`\\b${name}(?: =|:) (\\d[\\d_* ]*)`).exec(source)?.[1];
  if (product === undefined) throw new Error(`src/${file} has no ${name}`);
  return product.split('*').reduce((all, factor) => all * Number(factor.replaceAll('_', '')), 1);
}

export const count = (number: number) => number.toLocaleString('en');
export const seconds = (ms: number) => `${ms / 1000} ${ms === 1000 ? 'second' : 'seconds'}`;
export const kib = (bytes: number) => `${bytes / 1024} KiB`;
export const mib = (bytes: number) => `${bytes / 1024 ** 2} MiB`;
