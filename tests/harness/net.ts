import { createServer } from 'node:net';

/** A TCP port on 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      if (address === null || typeof address === 'string') return reject(new Error('no TCP address'));
      probe.close(() => resolve(address.port));
    });
  });
}

/** Resolves when `condition` is true, checked every `interval` milliseconds; rejects with `what` after `timeout`. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { timeout = 10_000, interval = 20 } = {},
): Promise<void> {
  const deadline = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeout} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
