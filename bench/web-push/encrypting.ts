import { createCipheriv, createECDH, createHmac, randomBytes } from 'node:crypto';
import webPush from 'web-push';
import { createSealer } from '../../src/web-push/sealer.js';
import { createVapid } from '../../src/web-push/vapid.js';
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
  return [
    bare(recipients, payload),
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

/** What node:crypto has to do for a message at least: a key pair, a secret, five HMACs, one encryption. Nothing is put together. */
function bare(recipients: readonly Recipient[], payload: Uint8Array): Contender {
  const ecdh = createECDH('prime256v1');
  const info = randomBytes(144);
  const hmac = (key: Uint8Array, data: Uint8Array) => createHmac('sha256', key).update(data).digest();
  return {
    name: 'bare node:crypto',
    act: (n) => {
      const { p256dh, auth } = turnOf(recipients, n).subscription;
      ecdh.generateKeys();
      const prk = hmac(auth, hmac(hmac(auth, ecdh.computeSecret(p256dh)), info));
      const cek = hmac(prk, auth).subarray(0, 16);
      const cipher = createCipheriv('aes-128-gcm', cek, hmac(prk, cek).subarray(0, 12));
      cipher.update(payload);
      cipher.final();
      return cipher.getAuthTag();
    },
  };
}
