import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('decrypt_gcm.py', import.meta.url));

/** Debian installs its packages for its own Python, which need not be the first on PATH. */
const python = ['/usr/bin/python3', 'python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import cryptography.hazmat']).status === 0,
);

/** True if a Python with `cryptography` is installed. */
export const hasPythonCryptography = python !== undefined;

/** What AES-GCM has sealed, in base64; `sealed` ends with the tag. */
export interface Sealed {
  readonly key: string;
  readonly iv: string;
  readonly sealed: string;
}

/** The texts, by an implementation that is not ours; null for what has a wrong tag. */
export function decryptByPython(all: readonly Sealed[]): readonly (string | null)[] {
  if (python === undefined) throw new Error('cryptography is not installed');
  const input = all.map((each) => `${JSON.stringify(each)}\n`).join('');
  const { status, stdout, stderr } = spawnSync(python, [script], {
    input,
    encoding: 'utf8',
    // Node's default is a megabyte; escaped, long texts of rare characters come to almost that.
    maxBuffer: 16 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`cryptography failed: ${stderr}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
