import type { Host } from '../../../hosts/host.js';
import { Element, noAttributes } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import type { Notification, Target } from '../channel.js';
import { callSignalOf, contentText } from './content.js';
import type { Details } from './details.js';
import { encryptedElement, type InitialisationVectors, roomFor } from './encrypted.js';
import type { Extensions } from './extensions.js';
import { outcomeOf } from './outcome.js';
import type { PushAddress } from './push-address.js';
import type { CloudNotifySettings } from './settings.js';
import { summaryForm } from './summary.js';

export interface PublishOptions {
  readonly host: Pick<Host, 'sendIq'>;
  /** Those of the moment. */
  readonly settings: () => CloudNotifySettings;
  /** For what is encrypted. */
  readonly vectors: InitialisationVectors;
}

/** Milliseconds that an app server has for its answer. */
const timeout = 30_000;

/** A device behind an app server: what it is told is published there (XEP-0357 §7), by the host's domain. */
export function createTarget(address: PushAddress, details: Details, options: PublishOptions): Target {
  const { extensions } = details;
  const to = address.jid;
  const pubsub = createPubsub(address, details);
  return {
    service: to.toString(),
    rules: extensions.rules,
    async deliver(notification, signal) {
      const payload = pubsub(notificationElement(notification, extensions, options));
      return outcomeOf(await options.host.sendIq({ type: 'set', to, payload }, { timeout, signal }));
    },
  };
}

/** Builds what is around a notification, of which all but the notification is the same each time. */
function createPubsub({ node }: PushAddress, { options }: Details): (notification: Element) => Element {
  const publishAttributes = node === undefined ? noAttributes : { node };
  const publishOptions = options && new Element('publish-options', ns.pubsub, noAttributes, [options]);
  return (notification) => {
    const item = new Element('item', ns.pubsub, noAttributes, [notification]);
    const publish = new Element('publish', ns.pubsub, publishAttributes, [item]);
    const children = publishOptions === undefined ? [publish] : [publish, publishOptions];
    return new Element('pubsub', ns.pubsub, noAttributes, children);
  };
}

const high = new Element('priority', ns.pushPriority, noAttributes, ['high']);
const low = new Element('priority', ns.pushPriority, noAttributes, ['low']);

function notificationElement(
  notification: Notification,
  extensions: Extensions,
  { settings, vectors }: PublishOptions,
): Element {
  const { encryption } = extensions;
  const priority = priorityOf(notification, extensions);
  if (encryption === undefined) {
    const form = summaryForm(notification, settings());
    return element(priority === undefined ? [form] : [form, priority]);
  }
  const text = contentText(notification, roomFor(encryption.maxBytes));
  const isCall = extensions.wantsCalls && isRinging(notification);
  const encrypted = encryptedElement(text, encryption, { isCall, iv: vectors.next() });
  return element(priority === undefined ? [encrypted] : [priority, encrypted]);
}

function element(children: readonly Element[]): Element {
  return new Element('notification', ns.push, noAttributes, children);
}

function priorityOf({ level }: Notification, { wantsPriority }: Extensions): Element | undefined {
  if (level === 'important') return high;
  return wantsPriority ? low : undefined;
}

/** A device begins to ring, or ends: what the service of a phone's maker is to hand over at once, and with high priority. */
function isRinging({ level, stanza }: Notification): boolean {
  const signal = stanza === undefined || level !== 'important' ? undefined : callSignalOf(stanza);
  return signal?.name === 'propose' || signal?.name === 'retract';
}
