import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../src/config/config.js';
import type { StoredRegistration } from '../../src/services/notify/store.js';
import type { NewRegistration } from '../../src/services/unified-push/store.js';
import { kill, nextMessage } from './forked.js';

/** A store method and its arguments, as they go to the child. */
export type StoreCall =
  | { readonly method: 'save'; readonly registration: NewRegistration }
  | { readonly method: 'find'; readonly idHash: Uint8Array }
  | { readonly method: 'revoke'; readonly tokenHash: Uint8Array; readonly expiresAt: number }
  | { readonly method: 'isRevoked'; readonly tokenHash: Uint8Array }
  | { readonly method: 'getOrCreate'; readonly name: string; readonly value: string }
  /** One after the other. */
  | { readonly method: 'saveDevices'; readonly devices: readonly StoredRegistration[] };

export type Request =
  | { readonly kind: 'open'; readonly config: Config['storage'] }
  /** Opens a database file as a user who is not root. */
  | { readonly kind: 'open-unprivileged'; readonly file: string }
  | { readonly kind: 'call'; readonly call: StoreCall };

export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: string };

/** Another process with a storage of its own. One request at a time; what fails there rejects here. */
export interface StorageProcess {
  readonly pid: number;
  open(config: Config['storage']): Promise<void>;
  openUnprivileged(file: string): Promise<void>;
  call(call: StoreCall): Promise<unknown>;
  /** Ends it without any chance to clean up. */
  kill(): Promise<void>;
}

const program = fileURLToPath(new URL('./storage-child.ts', import.meta.url));

/** Starts a process and waits until it listens. */
export async function startStorageProcess(): Promise<StorageProcess> {
  const child = fork(program, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
  const { pid } = child;
  if (pid === undefined) throw new Error('could not start a process');
  const nextAnswer = () => nextMessage<Answer>(child, 'the storage process ended');
  await nextAnswer();
  const ask = async (request: Request): Promise<unknown> => {
    child.send(request);
    const answer = await nextAnswer();
    if (!answer.ok) throw new Error(answer.error);
    return answer.value;
  };
  return {
    pid,
    open: async (config) => void (await ask({ kind: 'open', config })),
    openUnprivileged: async (file) => void (await ask({ kind: 'open-unprivileged', file })),
    call: (call) => ask({ kind: 'call', call }),
    kill: () => kill(child),
  };
}
