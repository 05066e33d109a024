import { createECDH, randomBytes } from 'node:crypto';
import type { PushSubscription } from 'web-push';
import { parseOutgoingUrl } from '../../src/net/outgoing-url.js';
import { parseSubscription, type Subscription } from '../../src/web-push/subscription.js';

/** A user agent, as Belfry and as web-push know it. */
export interface Recipient {
  readonly subscription: Subscription;
  readonly plain: PushSubscription;
}

/** Recipients at push services, in turns. */
export function makeRecipients(count: number, origins: readonly string[]): readonly Recipient[] {
  return Array.from({ length: count }, (_, i) => {
    const endpoint = `${origins[i % origins.length]}/send/${randomBytes(24).toString('base64url')}`;
    const keys = {
      p256dh: createECDH('prime256v1').generateKeys().toString('base64url'),
      auth: randomBytes(16).toString('base64url'),
    };
    const subscription = parseSubscription({ endpoint, ...keys }, (text) =>
      parseOutgoingUrl(text, { allowPrivateNetworks: true }),
    );
    if ('kind' in subscription) throw new Error(`${subscription.part}: ${subscription.why}`);
    return { subscription, plain: { endpoint, keys } };
  });
}

/** That whose turn it is. */
export function turnOf<Item>(items: readonly Item[], n: number): Item {
  const item = items[n % items.length];
  if (item === undefined) throw new Error('there are none');
  return item;
}
