/** The other end of `storage-process.ts`: opens a storage as its parent says and calls the store methods it asks for. */
import { dirname, join } from 'node:path';
import { openStorage, type Storage } from '../../src/storage/open.js';
import { recordingEvents } from './recording-events.js';
import type { Answer, Request, StoreCall } from './storage-process.js';

const { events } = recordingEvents();
let storage: Storage | undefined;

async function perform(request: Request): Promise<unknown> {
  if (request.kind === 'open') {
    storage = await openStorage(request.config, { events });
    return undefined;
  }
  if (request.kind === 'open-unprivileged') return openUnprivileged(request.file);
  if (storage === undefined) throw new Error('no storage is open');
  return call(storage, request.call);
}

async function call(
  { registrations, revocations, keys, notify }: Storage,
  request: StoreCall,
): Promise<unknown> {
  switch (request.method) {
    case 'save':
      return registrations.save(request.registration);
    case 'find':
      return registrations.find(request.idHash);
    case 'revoke':
      return revocations.revoke(request.tokenHash, request.expiresAt);
    case 'isRevoked':
      return revocations.isRevoked(request.tokenHash);
    case 'getOrCreate':
      return keys.getOrCreate(request.name, () => request.value);
    case 'saveDevices':
      for (const device of request.devices) await notify.save(device);
      return undefined;
  }
}

/** Root may write anywhere: it becomes nobody first, with SQLite's native module already loaded. */
async function openUnprivileged(file: string): Promise<void> {
  if (process.getuid?.() === 0) {
    const warm = await openStorage(
      { kind: 'sqlite', file: join(dirname(dirname(file)), 'warm', 'w.sqlite') },
      { events },
    );
    await warm.close();
    process.setgroups?.([]);
    process.setgid?.(65534);
    process.setuid?.(65534);
  }
  await openStorage({ kind: 'sqlite', file }, { events });
}

function answer(message: Answer): void {
  process.send?.(message);
}

process.on('message', (request: Request) => {
  perform(request).then(
    (value) => answer({ ok: true, value }),
    (error: unknown) =>
      answer({
        ok: false,
        error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      }),
  );
});
process.on('disconnect', () => process.exit());
answer({ ok: true, value: 'ready' });
