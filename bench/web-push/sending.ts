import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { Agent } from 'node:https';
import webPush from 'web-push';
import { createGuard } from '../../src/net/guard.js';
import { createSealer } from '../../src/web-push/sealer.js';
import { createSender } from '../../src/web-push/sender/sender.js';
import { createVapid } from '../../src/web-push/vapid.js';
import type { PushServiceAddress } from '../servers/push-service.js';
import type { Contender } from './contender.js';
import { belfryName } from './encrypting.js';
import { makeRecipients, type Recipient, turnOf } from './recipients.js';

const contact = 'mailto:admin@example.org';
const ttl = 60;

interface Messages {
  readonly recipients: readonly Recipient[];
  readonly payload: Buffer;
  readonly ca: string;
}

/** Messages are encrypted, signed, and sent to one push service until it has answered. */
export async function sendingContenders(
  { port, ca }: PushServiceAddress,
  { bytes, threads, parallel }: { bytes: number; threads: readonly number[]; parallel: number },
): Promise<readonly Contender[]> {
  const origin = `https://localhost:${port}`;
  const messages = { recipients: makeRecipients(100, [origin]), payload: randomBytes(bytes), ca };
  return [
    await bare(messages, origin),
    theirs(messages, parallel),
    ...threads.map((workers) => belfry(messages, workers)),
  ];
}

/** The sender alone, to as many recipients. */
export function senderContender(
  { port, ca }: PushServiceAddress,
  { bytes, workers, recipients }: { bytes: number; workers: number; recipients: number },
): Contender {
  const messages = {
    recipients: makeRecipients(recipients, [`https://localhost:${port}`]),
    payload: randomBytes(bytes),
    ca,
  };
  return { ...belfry(messages, workers), name: 'sender alone' };
}

function belfry({ recipients, payload, ca }: Messages, workers: number): Contender {
  const { privateKey } = webPush.generateVAPIDKeys();
  const vapid = createVapid({ privateKey, contact, now: Date.now });
  const guard = createGuard({ allowPrivateNetworks: true });
  const sender = createSender({ guard, vapid, ca: [ca], userAgent: 'bench' });
  const sealer = createSealer({ workers });
  let newest = new AbortController();
  return {
    name: belfryName(workers),
    act: async (n) => {
      // A few share one, as deliveries do.
      if (n % 8 === 0) newest = new AbortController();
      const { signal } = newest;
      const { subscription } = turnOf(recipients, n);
      const { endpoint, origin } = subscription;
      const body = await sealer.seal(subscription, payload);
      const request = { endpoint, origin, body, ttl, urgency: 'normal', topic: undefined } as const;
      const outcome = await sender.send(request, signal);
      if (outcome.kind !== 'delivered') throw new Error(`${outcome.kind}: ${outcome.reason}`);
    },
    stop: async () => {
      await Promise.all([sealer.stop(), sender.stop()]);
    },
  };
}

/** web-push, with as many connections as it may want, all kept. */
function theirs({ recipients, payload, ca }: Messages, parallel: number): Contender {
  const agent = new Agent({ ca, keepAlive: true, maxSockets: parallel });
  const vapidDetails = { subject: contact, ...webPush.generateVAPIDKeys() };
  return {
    name: 'web-push',
    act: (n) =>
      webPush.sendNotification(turnOf(recipients, n).plain, payload, {
        vapidDetails,
        agent,
        TTL: ttl,
        urgency: 'normal',
      }),
    stop: async () => agent.destroy(),
  };
}

/** Nothing but requests on one connection, with a body that was encrypted before: no sender by node:http2 is faster. */
async function bare({ recipients, payload, ca }: Messages, origin: string): Promise<Contender> {
  const { plain } = turnOf(recipients, 0);
  const vapidDetails = { subject: contact, ...webPush.generateVAPIDKeys() };
  const { headers, body, endpoint } = webPush.generateRequestDetails(plain, payload, { vapidDetails });
  const session = connect(origin, { ca });
  await once(session, 'connect');
  const request = {
    ...headers,
    ':method': 'POST',
    ':path': new URL(endpoint).pathname,
  };
  return {
    name: 'bare node:http2, already encrypted',
    act: () => post(session, request, body),
    stop: async () => session.destroy(),
  };
}

function post(session: ClientHttp2Session, headers: Record<string, unknown>, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers as Record<string, string>);
    let status: unknown;
    stream.on('response', (answer) => {
      status = answer[':status'];
    });
    stream.on('error', reject);
    stream.on('end', () => (status === 201 ? resolve() : reject(new Error(`status ${status}`))));
    stream.resume();
    stream.end(body);
  });
}
