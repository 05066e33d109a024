import type { Jid } from '../../../xmpp/jid.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Command, CommandAnswer, CommandStep } from '../../ad-hoc/command.js';
import { createDoor } from '../../subscriptions/door.js';
import type { Place } from '../store.js';
import { askingAccount } from './asking-account.js';
import { registeredForm, registerForm } from './forms.js';
import { kept, withdraw } from './kept.js';
import type { RegistrationOptions } from './options.js';
import { readRegistration, type SubmittedRegistration } from './submitted.js';

/**
 * Registers a browser, or an application with Web Push, and answers by what the account's server is to publish for it. The same
 * device gets the same again.
 */
export function createRegister(options: RegistrationOptions): Command {
  const { acl, credentials, domain, events, guard, now, webPush } = options;
  const door = createDoor(guard, now);

  async function run({ from, form }: CommandStep): Promise<CommandAnswer> {
    const account = askingAccount(from, acl());
    if (form === undefined) return { kind: 'form', form: registerForm(webPush.publicKey) };
    const submitted = readRegistration(form, guard.parse);
    await door.check(account, submitted.subscription.endpoint);
    const node = await save(options, account, submitted);
    events.gatewayRegistered({ account, origin: submitted.subscription.origin });
    const secret = credentials.secretOf(node);
    return { kind: 'completed', form: registeredForm(domain.toString(), node, secret) };
  }

  return {
    node: 'register-push-webpush',
    name: 'Register a browser for push notifications',
    run: (step) => reportRefusal(options, step.from, run(step)),
  };
}

/** Answers the node. What was waiting for those that had to go for it goes, too. */
async function save(
  options: RegistrationOptions,
  account: string,
  { subscription, device, onlyImportant }: SubmittedRegistration,
): Promise<string> {
  const { credentials, now, settings, store } = options;
  const { endpoint, p256dh, auth } = subscription;
  const registration = {
    ...{ node: credentials.createNode(), account, device, endpoint, p256dh, auth, onlyImportant },
    renewedAt: now(),
  };
  const { node, gone } = await kept(options, store.save(registration, settings().maxDevices));
  reportGone(options, account, { node, endpoint }, gone);
  await withdraw(options, gone);
  return node;
}

/** The device itself is not gone when it has another endpoint now. */
function reportGone(
  { events }: RegistrationOptions,
  account: string,
  saved: Place,
  gone: readonly Place[],
): void {
  for (const { node, endpoint } of gone) {
    if (node === saved.node) continue;
    events.gatewayUnregistered({ account, why: endpoint === saved.endpoint ? 'replaced' : 'too many' });
  }
}

async function reportRefusal<T>({ events }: RegistrationOptions, from: Jid, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof StanzaError)
      events.gatewayRefused({ jid: from.bare().toString(), reason: error.text });
    throw error;
  }
}
