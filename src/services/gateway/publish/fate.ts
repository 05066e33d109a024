import type { Host } from '../../../hosts/host.js';
import type { Events } from '../../../observability/events.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import type { PushOutcome, WebPush } from '../../web-push/web-push.js';
import { gatewaySender } from '../push-sender.js';
import type { GatewayRegistration, GatewayStore } from '../store.js';
import { type Answer, answers, answerTo } from './answers.js';

export interface FateOptions {
  readonly host: Pick<Host, 'send'>;
  readonly store: Pick<GatewayStore, 'remove' | 'setFailures'>;
  readonly webPush: Pick<WebPush, 'withdraw'>;
  readonly events: Pick<Events, 'gatewayUnregistered' | 'storageFailed'>;
}

/** What becomes of a registration by what came of a message for it. Never rejects. */
export type Fate = (registration: GatewayRegistration, outcome: PushOutcome) => Promise<Answer>;

/** Refusals in a row after which nobody believes any more that the push service will take a message. */
export const mostFailures = 16;

/** Refusals of messages that were under way at the same time may count as one. */
export function createFate({ host, store, webPush, events }: FateOptions): Fate {
  async function count(registration: GatewayRegistration, failures: number): Promise<void> {
    if (failures === registration.failures) return;
    try {
      await store.setFailures(registration, failures);
    } catch (error) {
      events.storageFailed({ what: 'gateway failures', error });
    }
  }

  /** Its server hears of it only once it is on disk, so that it hears the same from now on. */
  async function remove(registration: GatewayRegistration, why: 'gone' | 'rejected'): Promise<Answer> {
    const { node, account, endpoint } = registration;
    try {
      if (!(await store.remove(registration))) return answers.renewedMeanwhile;
    } catch (error) {
      events.storageFailed({ what: 'gateway removal', error });
      return answers.storageFailed;
    }
    await webPush.withdraw(endpoint, gatewaySender(node));
    events.gatewayUnregistered({ account, why });
    host.send(disableNotice(registration));
    return answers.gone;
  }

  return async (registration, outcome) => {
    if (outcome.kind === 'gone') return remove(registration, 'gone');
    if (outcome.kind === 'delivered') await count(registration, 0);
    if (outcome.kind === 'rejected') {
      const failures = registration.failures + 1;
      if (failures >= mostFailures) return remove(registration, 'rejected');
      await count(registration, failures);
    }
    return answerTo(outcome);
  };
}

/**
 * Tells the account's server that nothing is taken for a device any more (XEP-0357 §8). It is of no use later on: a server that
 * kept it for the account, as Prosody does with what is no headline, would publish that something is new.
 */
function disableNotice({ node, account }: GatewayRegistration) {
  const affiliation = el('affiliation', ns.pubsub, { jid: account, affiliation: 'none' });
  const pubsub = el('pubsub', ns.pubsub, { node }, affiliation);
  return message({ to: account, type: 'headline' }, pubsub, el('no-store', ns.hints));
}
