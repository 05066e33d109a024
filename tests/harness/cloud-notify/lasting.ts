import { ClientStream } from '../../../src/demo/client-stream.js';
import { el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { StanzaError } from '../../../src/xmpp/stanza-error.js';
import { password } from '../federated.js';
import { splitJid } from '../xmpp-server.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const refusal = () => new StanzaError('item-not-found');

/** Somebody makes an account of that name (XEP-0077 §3.1). */
async function register({ world }: Stage, bare: string): Promise<void> {
  const { local, domain } = splitJid(bare);
  const stream = new ClientStream({ host: '127.0.0.1', port: world.server.c2sPort }, domain);
  try {
    await stream.open();
    const fields = [el('username', ns.register, {}, local), el('password', ns.register, {}, password)];
    stream.send(
      el('iq', ns.client, { type: 'set', id: 'register' }, el('query', ns.register, {}, ...fields)),
    );
    const answer = await stream.next();
    if (answer.attr('type') === 'error') throw StanzaError.fromStanza(answer);
  } finally {
    await stream.close();
  }
}

/** What is to last, and what is not. */
export const lastingScenarios: readonly Scenario[] = [
  {
    name: 'registrations survive a restart',
    isAlone: true,
    expected: [['important'], ['important']],
    async run(stage) {
      const phones = [await stage.sleeper(), await stage.absentee()];
      await stage.restart();
      for (const phone of phones) stage.write(phone.bare);
      return stage.heard(...phones);
    },
  },
  {
    name: 'refusals are counted over a restart',
    isAlone: true,
    expected: 3,
    prosody: {
      does: 4,
      prosody: 'Forgets at a restart how often an app server has refused pushes.',
      belfry: 'Keeps it.',
      why: 'Else a server that is restarted often never stops to push for devices that are gone.',
    },
    async run(stage) {
      const phone = await stage.absentee();
      const { appServer } = stage.world;
      appServer.answerWith(phone.node, refusal(), refusal(), refusal(), 'result');
      const beRefused = async () => {
        await stage.wake(phone);
        await stage.settleAnswers();
      };
      await beRefused();
      await beRefused();
      await stage.restart();
      await beRefused();
      stage.write(phone.bare);
      return (await stage.heardBy(phone)).length;
    },
  },
  {
    name: 'an account that is made anew under the name of one that was removed',
    expected: [],
    prosody: {
      does: ['important'],
      prosody:
        'Until the next restart, an account that is made under the name of a removed one has that one’s registrations.',
      belfry: 'Registrations go with their account.',
      why: 'They are somebody else’s devices.',
    },
    async run(stage) {
      const phone = await stage.absentee();
      const last = await stage.device(phone.bare);
      await last.ask('set', el('query', ns.register, {}, el('remove', ns.register)));
      await register(stage, phone.bare);
      stage.write(phone.bare);
      return stage.heardBy(phone);
    },
  },
];
