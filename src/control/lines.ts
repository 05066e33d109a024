import { maxLineBytes } from './protocol.js';

/** Cuts what a socket says into lines, each at most `maxLineBytes` long. */
export class LineReader {
  readonly #onLine: (line: string) => void;
  #rest = Buffer.alloc(0);

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** False if a line is too long: nothing is to be read on. */
  write(bytes: Buffer): boolean {
    let rest = Buffer.concat([this.#rest, bytes]);
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      if (end > maxLineBytes) return false;
      this.#onLine(rest.subarray(0, end).toString());
      rest = rest.subarray(end + 1);
    }
    this.#rest = rest;
    return rest.length <= maxLineBytes;
  }
}
