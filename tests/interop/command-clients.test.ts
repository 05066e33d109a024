import { expect, it, onTestFinished } from 'vitest';
import { ns } from '../../src/xmpp/ns.js';
import { startStandalone } from '../harness/belfry-standalone.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasSlixmpp, visitCommandsBySlixmpp } from '../harness/slixmpp-client.js';

const password = 'a-password';
const ana = 'ana@example.test';
const gateway = 'push.example.test';

describeWithPeers('commands, to slixmpp', { slixmpp: hasSlixmpp }, () => {
  it('are found, begun and canceled by its plugins', async () => {
    const server = await startStandalone({ accounts: { [ana]: password } });
    onTestFinished(() => server.stop());
    const login = { jid: `${ana}/visitor`, password, port: server.c2sPort };
    expect(await visitCommandsBySlixmpp(login, gateway)).toEqual({
      server: [[gateway, null, 'Belfry']],
      commands: [
        [gateway, 'register-push-webpush', 'Register a browser for push notifications'],
        [gateway, 'unregister-push-webpush', 'Unregister a browser'],
      ],
      list: { node: ns.commands, identities: ['automation/command-list None'], features: [ns.commands] },
      first: {
        node: 'register-push-webpush',
        identities: ['automation/command-node Register a browser for push notifications'],
        features: [ns.commands, ns.dataForms],
      },
      canceled: {
        status: ['executing', 'canceled'],
        actions: ['complete'],
        form: 'form',
        fields: {
          endpoint: 'text-single',
          p256dh: 'text-single',
          auth: 'text-single',
          'device-id': 'text-single',
          'important-only': 'boolean',
        },
        isOneSession: true,
      },
      refusals: ['modify bad-request', 'cancel feature-not-implemented', 'cancel item-not-found'],
    });
  });
});
