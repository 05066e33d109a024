import { z } from 'zod';
import { fieldValue, parseForm } from '../../../src/xmpp/data-form.js';
import { el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import type { Phone } from '../cloud-notify/phone.js';
import { waitFor } from '../net.js';
import type { PushService, ReceivedPush, TestSubscription } from '../push-service.js';

/** What a browser is told (docs/web-push.md). */
const payloadSchema = z.strictObject({
  v: z.literal(1),
  account: z.string(),
  count: z.number(),
  importance: z.enum(['important', 'unimportant']),
  kind: z.string(),
  conversation: z.string().optional(),
  sender: z.string().optional(),
  body: z.string().optional(),
});
export type Payload = z.infer<typeof payloadSchema>;

/** What a browser tells of a subscription. */
export type WebSubscription = Pick<TestSubscription, 'endpoint' | 'auth' | 'p256dh'>;

/** `<enable/>` of `urn:xmpp:webpush:0` for a subscription. */
export const enableWebPush = ({ endpoint, auth, p256dh }: WebSubscription) =>
  el('enable', ns.webPush, {}, part('endpoint', endpoint), part('auth', auth), part('p256dh', p256dh));

export const disableWebPush = (endpoint?: string) =>
  el('disable', ns.webPush, {}, ...(endpoint === undefined ? [] : [part('endpoint', endpoint)]));

const part = (name: string, text: string) => el(name, ns.webPush, {}, text);

/** The key that a browser subscribes with, as the account's own disco#info has it. */
export async function keyOf(phone: Phone): Promise<string> {
  const answer = await phone.ask('get', el('query', ns.discoInfo), phone.bare);
  const info = answer.child('query', ns.discoInfo)?.elements() ?? [];
  const forms = info.map((child) => parseForm(child)).filter((form) => form !== undefined);
  const key = forms
    .map((form) => fieldValue(form, 'webpush#public-key'))
    .find((value) => value !== undefined);
  if (key === undefined) throw new Error(`the account of ${phone.jid} has no key`);
  return key;
}

/** A client in a browser: while it is not there, its browser is told by Web Push. */
export class Browser {
  readonly phone: Phone;
  readonly subscription: TestSubscription;

  private constructor(phone: Phone, subscription: TestSubscription) {
    this.phone = phone;
    this.subscription = subscription;
  }

  /** Subscribes at a push service with the key of the server, and has that told. */
  static async enable(phone: Phone, service: PushService): Promise<Browser> {
    const browser = new Browser(phone, service.subscribe(await keyOf(phone)));
    await browser.enable();
    return browser;
  }

  get bare(): string {
    return this.phone.bare;
  }

  /** Requests of the server, in order. */
  get requests(): readonly ReceivedPush[] {
    return this.subscription.received;
  }

  /** What it was told, in order, whether or not the push service has taken it. */
  get told(): Payload[] {
    return this.requests.map(({ payload }) => payloadSchema.parse(JSON.parse(payload ?? '')));
  }

  async enable(): Promise<void> {
    await this.phone.ask('set', enableWebPush(this.subscription));
  }

  /** The request after so many. */
  async next(before: number): Promise<ReceivedPush> {
    await waitFor(`a push to ${this.phone.jid}`, () => this.requests.length > before, { timeout: 30_000 });
    const next = this.requests[before];
    if (next === undefined) throw new Error('unreachable: there are more');
    return next;
  }
}
