import type { DataForm } from '../../../xmpp/data-form.js';
import type { GatewayRegistration } from '../store.js';

/** What people are asked who register a browser by hand. `publicKey`: what it has to subscribe with. */
export function registerForm(publicKey: string): DataForm {
  return {
    type: 'form',
    title: 'Register a browser for push notifications',
    instructions: [
      `The page, or the application, subscribes at its push service with this application server key: ${publicKey}`,
      'What its subscription says (PushSubscription.toJSON() in a browser) goes into the first three fields.',
      'You will get a JID, a node and a secret, which it needs to enable push notifications at your XMPP server.',
    ],
    fields: [
      text('endpoint', 'Endpoint', 'The address at the push service, an https URL.'),
      text('p256dh', 'Public key (p256dh)', '65 bytes in base64url.'),
      text('auth', 'Authentication secret (auth)', '16 bytes in base64url.'),
      text(
        'device-id',
        'Device (device-id)',
        'A name that you choose. Registering it again replaces what it had.',
      ),
      {
        var: 'important-only',
        type: 'boolean',
        label: 'Important messages only',
        description: 'Leaves out what your server publishes without a text. Some servers never send one.',
        values: ['0'],
      },
    ],
  };
}

function text(name: string, label: string, description: string): DataForm['fields'][number] {
  return { var: name, type: 'text-single', label, description, required: true, values: [] };
}

/** By what a client's own server publishes for it (XEP-0357 §5). */
export function registeredForm(jid: string, node: string, secret: string): DataForm {
  return {
    type: 'result',
    title: 'Registered',
    fields: [
      { var: 'jid', type: 'jid-single', label: 'JID', values: [jid] },
      { var: 'node', type: 'text-single', label: 'Node', values: [node] },
      { var: 'secret', type: 'text-single', label: 'Secret', values: [secret] },
    ],
  };
}

/** Which of the account's devices it is to be. */
export function unregisterForm(registrations: readonly GatewayRegistration[]): DataForm {
  return {
    type: 'form',
    title: 'Unregister a browser',
    instructions: ['It gets no push notifications by this service any more.'],
    fields: [
      {
        var: 'device-id',
        type: 'list-single',
        label: 'Device',
        required: true,
        values: [],
        options: registrations.map((registration) => ({
          label: labelOf(registration),
          value: registration.device,
        })),
      },
    ],
  };
}

function labelOf({ device, endpoint, renewedAt }: GatewayRegistration): string {
  const day = new Date(renewedAt).toISOString().slice(0, 10);
  return `${device} (${new URL(endpoint).host}, registered on ${day})`;
}
