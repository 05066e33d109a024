import { closeSync, openSync, readSync } from 'node:fs';

export type TextRead = { readonly text: string } | { readonly failed: string };

/** Reads a file of UTF-8 text that has at most `maxBytes`; pipes and devices are read until their end or that bound. */
export function readText(path: string, maxBytes: number): TextRead {
  let bytes: Buffer | undefined;
  try {
    bytes = readUpTo(path, maxBytes);
  } catch (error) {
    return { failed: `cannot be read: ${reasonOf(error)}` };
  }
  if (bytes === undefined) return { failed: `is larger than ${maxBytes} bytes` };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { failed: 'is not text in UTF-8' };
  }
}

/** Undefined if there is more. */
function readUpTo(path: string, maxBytes: number): Buffer | undefined {
  const buffer = Buffer.alloc(maxBytes + 1);
  const file = openSync(path, 'r');
  try {
    let length = 0;
    for (let count = -1; count !== 0 && length <= maxBytes; length += count) {
      count = readSync(file, buffer, length, buffer.length - length, null);
    }
    return length > maxBytes ? undefined : buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'Belfry may not read it; give its user the right to';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return code;
  }
}
