/** Where something was written: a file, perhaps with line and column (from 1), or an environment variable. */
export interface Place {
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
}

/** One thing that is wrong with a configuration. */
export interface Problem {
  readonly place: Place;
  /** The key's path; absent if the file as a whole is wrong. */
  readonly key?: string;
  /** What is wrong and what would be right. Holds no secret. */
  readonly text: string;
}

/** The configuration is wrong; `lines` say each problem with place, key and remedy, in the order of the file. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly lines: readonly string[];

  constructor(problems: readonly Problem[]) {
    const lines = [...problems].sort(byPlace).map(format);
    super(lines.join('\n'));
    this.lines = lines;
  }
}

/** Places without a line (a file as a whole, variables) come after those with one; equal places stay as they were. */
function byPlace({ place: a }: Problem, { place: b }: Problem): number {
  const far = Number.MAX_SAFE_INTEGER;
  return (a.line ?? far) - (b.line ?? far) || (a.column ?? 0) - (b.column ?? 0);
}

function format({ place, key, text }: Problem): string {
  const { source, line, column } = place;
  const where = line === undefined ? source : `${source}:${line}:${column ?? 1}`;
  return key === undefined ? `${where}: ${text}` : `${where}: ${key}: ${text}`;
}
