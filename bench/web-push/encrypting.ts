import { randomBytes } from 'node:crypto';
import webPush from 'web-push';
import { createSealer } from '../../src/web-push/sealer.js';
import { createVapid } from '../../src/web-push/vapid.js';
import { createBareEncryption } from './bare.js';
import { bareProcesses } from './bare-processes.js';
import type { Contender } from './contender.js';
import { makeRecipients, type Recipient, turnOf } from './recipients.js';

const contact = 'mailto:admin@example.org';

/** As many push services as there are browsers' vendors. */
const origins = ['a', 'b', 'c', 'd'].map((name) => `https://${name}.push.example.com`);

/** Messages are encrypted and their requests signed, for a hundred recipients in turns. `threads`: how many workers, per row. */
export function encryptingContenders(bytes: number, threads: readonly number[]): readonly Contender[] {
  const recipients = makeRecipients(100, origins);
  const payload = randomBytes(bytes);
  const vapidKeys = webPush.generateVAPIDKeys();
  const encryptBare = createBareEncryption(payload);
  const keys = recipients.map(({ subscription: { p256dh, auth } }) => ({ p256dh, auth }));
  return [
    { name: 'bare node:crypto', act: (n) => encryptBare(turnOf(keys, n)) },
    ...threads.filter((workers) => workers > 1).map((workers) => bareProcesses(workers, { keys, payload })),
    {
      name: 'web-push',
      act: (n) =>
        webPush.generateRequestDetails(turnOf(recipients, n).plain, payload, {
          vapidDetails: { subject: contact, ...vapidKeys },
        }),
    },
    {
      name: 'web-push, encryption alone',
      act: (n) => {
        const { p256dh, auth } = turnOf(recipients, n).plain.keys;
        return webPush.encrypt(p256dh, auth, payload, 'aes128gcm');
      },
    },
    ...threads.map((workers) => belfry(recipients, payload, vapidKeys.privateKey, workers)),
  ];
}

export const belfryName = (workers: number) => (workers === 0 ? 'belfry' : `belfry, threads: ${workers}`);

function belfry(
  recipients: readonly Recipient[],
  payload: Uint8Array,
  privateKey: string,
  workers: number,
): Contender {
  const sealer = createSealer({ workers });
  const vapid = createVapid({ privateKey, contact, now: Date.now });
  return {
    name: belfryName(workers),
    act: (n) => {
      const { subscription } = turnOf(recipients, n);
      vapid.authorization(subscription.origin);
      return sealer.seal(subscription, payload);
    },
    stop: () => sealer.stop(),
  };
}
