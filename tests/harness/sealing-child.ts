/**
 * Seals a burst of messages with a thread, by the modules of the folder that it is given, says how that went, and leaves it to
 * the process to end: nothing is stopped.
 */
import { createECDH, randomBytes } from 'node:crypto';
import ece from 'http_ece';
import type * as AgreementWorkerModule from '../../src/web-push/agreement-worker.js';
import type * as SealerModule from '../../src/web-push/sealer.js';

const [folder = ''] = process.argv.slice(2);
const { AgreementWorker }: typeof AgreementWorkerModule = await import(`${folder}/agreement-worker.js`);
const { createSealer }: typeof SealerModule = await import(`${folder}/sealer.js`);

const privateKey = createECDH('prime256v1');
const keys = { p256dh: privateKey.generateKeys(), auth: randomBytes(16) };
let threads = 0;
let agreements = 0;

class CountingWorker extends AgreementWorker {
  override async agree(p256dhs: readonly Uint8Array[]) {
    const made = await super.agree(p256dhs);
    agreements += made.filter((agreement) => agreement !== undefined).length;
    return made;
  }
}

const sealer = createSealer({
  workers: 1,
  startWorker: () => {
    threads++;
    return new CountingWorker();
  },
});
const bodies = await Promise.all(Array.from({ length: 100 }, () => sealer.seal(keys, Buffer.from('Hello!'))));
const read = bodies.map((body) =>
  ece.decrypt(Buffer.from(body), { version: 'aes128gcm', privateKey, authSecret: keys.auth }).toString(),
);
process.stdout.write(
  JSON.stringify({ threads, agreements, read: read.filter((text) => text === 'Hello!').length }),
);
