import { createHash } from 'node:crypto';

/** Stands for a text in an index that could not take the longest ones. */
export function textHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
