/** What one check of `belfry doctor` found. */
export interface Finding {
  readonly status: 'ok' | 'warning' | 'failed';
  /** What was looked at, in a word or two. */
  readonly what: string;
  /** What is so, as a sentence without a full stop. */
  readonly text: string;
  /** What the operator can do about it. */
  readonly remedy?: string;
}

export function formatFinding({ status, what, text, remedy }: Finding): string {
  const line = `${status.padEnd(8)} ${what}: ${text}`;
  return remedy === undefined ? line : `${line}. ${remedy}`;
}
