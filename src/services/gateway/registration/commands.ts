import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Command } from '../../ad-hoc/command.js';
import type { RegistrationOptions } from './options.js';
import { createRegister } from './register.js';
import { createUnregister } from './unregister.js';

/** By which clients register browsers with the gateway, in the way of p2, the app server of Conversations. */
export function createRegistrationCommands(options: RegistrationOptions): readonly Command[] {
  return [createRegister(options), createUnregister(options)];
}

const nothingElse = () =>
  new StanzaError(
    'feature-not-implemented',
    'There is Web Push here, and nothing else: register-push-webpush takes endpoint, p256dh, auth and device-id.',
  );

/** Commands that such app servers have, and this one has not: what is thrown when they are asked for. */
export const refusedCommands: ReadonlyMap<string, () => StanzaError> = new Map(
  ['fcm', 'apns'].flatMap((service) =>
    ['register', 'unregister'].map((verb) => [`${verb}-push-${service}`, nothingElse]),
  ),
);
