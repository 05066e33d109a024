import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { PushServiceAddress } from './push-service.js';

/** A push service in a process of its own. */
export interface RunningPushService extends PushServiceAddress {
  readonly pid: number;
  /** How many messages it has answered so far. */
  answered(): Promise<number>;
}

export async function withPushService<T>(use: (service: RunningPushService) => Promise<T>): Promise<T> {
  const child = fork(new URL('push-service.ts', import.meta.url));
  const ended = once(child, 'exit').then((): never => {
    throw new Error('the push service has ended');
  });
  ended.catch(() => undefined);
  const said = async () => (await Promise.race([once(child, 'message'), ended]))[0];
  try {
    const address: PushServiceAddress = await said();
    return await use({
      ...address,
      pid: child.pid ?? 0,
      async answered() {
        child.send('answered?');
        return Number(await said());
      },
    });
  } finally {
    child.disconnect();
  }
}
