import { relative, resolve } from 'node:path';
import { ControlError } from './protocol.js';

/**
 * Bytes of a path that every system takes for a Unix socket: macOS has room for 104 with the zero at the end, Linux for
 * 108. Node cuts longer ones, and the socket would be elsewhere.
 */
const maxPathBytes = 103;

/**
 * How to name the socket to the system: its path, or that from the working directory if only this is short enough.
 * @throws {ControlError} if both are too long
 */
export function socketAddress(path: string, cwd: string = process.cwd()): string {
  const absolute = resolve(cwd, path);
  const fitting = [absolute, relative(cwd, absolute)].find(
    (candidate) => Buffer.byteLength(candidate) <= maxPathBytes,
  );
  if (fitting !== undefined) return fitting;
  const bytes = Buffer.byteLength(absolute);
  throw new ControlError(
    `The path of the control socket, ${absolute}, has ${bytes} bytes; a system takes ${maxPathBytes}. Choose a shorter data_dir.`,
  );
}
