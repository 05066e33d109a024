import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What a process says next; rejects with `ended` if it ends before. */
export function nextMessage<T>(child: ChildProcess, ended: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error(ended));
    child.once('exit', onExit);
    child.once('message', (message: T) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}

/** Ends a process without a word, if it runs. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
