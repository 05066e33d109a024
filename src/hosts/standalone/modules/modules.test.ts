import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Actor, CoreStage } from '../../../../tests/harness/core-stage.js';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { message, presence } from '../../../xmpp/stanza.js';
import { createAccountAdmin } from '../account-admin.js';
import { createArchive } from '../archive/archive.js';
import { createModules } from './modules.js';

const ana = 'ana@example.org';
const ben = 'ben@example.org';

describe('the modules together, on the real core', () => {
  let stage: CoreStage;

  beforeEach(async () => {
    stage = new CoreStage([]);
    const { server } = stage.core;
    const accounts = createAccountAdmin({
      domain: server.domain,
      accounts: stage.stores.accounts,
      randomBytes: (size) => randomBytes(size),
      events: server.events,
      remove: (jid, by) => stage.core.removeAccount(jid, by),
    });
    const archive = createArchive(server);
    stage.core.setArchiving(archive);
    for (const module of createModules({ accounts, archive })) module.setup(server);
    await stage.addAccounts(ana, ben);
  });

  const say = (text: string, to = ben) =>
    message({ to, type: 'chat', id: text }, el('body', ns.client, {}, text));
  const priority = (value: number) => presence({}, el('priority', ns.client, {}, String(value)));
  const bodies = (actor: Actor) => actor.take().flatMap((stanza) => stanza.child('body')?.text() ?? []);
  const command = (name: string, ...jids: string[]) =>
    el(
      'iq',
      ns.client,
      { type: 'set', id: name },
      el(name, ns.blocking, {}, ...jids.map((jid) => el('item', ns.blocking, { jid }))),
    );

  /** Sends a request and waits for so many stanzas, of which one is its answer. */
  async function ask(actor: Actor, iq: Element, count = 1): Promise<string[]> {
    const heard: string[] = [];
    await actor.send(iq);
    await expect.poll(() => heard.push(...actor.hears())).toBe(count);
    return heard;
  }

  async function befriend(one: Actor, other: Actor): Promise<void> {
    for (const [asker, asked] of [
      [one, other],
      [other, one],
    ] as const) {
      await asker.send(presence({ type: 'subscribe', to: asked.session.account.jid.toString() }));
      await asked.send(presence({ type: 'subscribed', to: asker.session.account.jid.toString() }));
    }
    one.take();
    other.take();
  }

  it('keep messages until a session takes them', async () => {
    const a = await stage.connect(`${ana}/pc`);
    for (const text of ['1', '2', '3']) await a.send(say(text));
    const b = await stage.connect(`${ben}/phone`);
    await b.send(priority(-1));
    await a.send(say('4'));
    expect(bodies(b)).toEqual([]);
    await b.send(priority(0));
    expect(bodies(b)).toEqual(['1', '2', '3', '4']);
    await b.send(priority(5));
    await a.send(say('5'));
    expect(bodies(b)).toEqual(['5']);
    expect(a.hears()).toEqual([]);
  });

  it('keep apart whom a user has blocked, until it is unblocked', async () => {
    const a = await stage.connect(`${ana}/pc`);
    const b = await stage.connect(`${ben}/phone`);
    for (const actor of [a, b]) await actor.send(presence({}));
    await befriend(a, b);

    expect(await ask(b, command('block', ana))).toEqual(['result']);
    expect(a.hears()).toEqual([`unavailable ${ben}/phone`]);
    await a.send(say('hello?'));
    await a.send(presence({}, el('status', ns.client, {}, 'sad')));
    expect(a.hears()).toEqual([`error ${ben} service-unavailable`, `presence ${ana}/pc sad`]);
    await b.send(say('go away', ana));
    await b.send(presence({}, el('status', ns.client, {}, 'happy')));
    expect(b.hears()).toEqual([`error ${ana} not-acceptable`, `presence ${ben}/phone happy`]);
    expect(a.hears()).toEqual([]);

    expect((await ask(b, command('unblock', ana), 2)).toSorted()).toEqual([
      `presence ${ana}/pc sad`,
      'result',
    ]);
    expect(a.hears()).toEqual([`presence ${ben}/phone happy`]);
    await a.send(say('sorry'));
    expect(bodies(b)).toEqual(['sorry']);
  });

  it('keep nothing of a removed account for the next one of that name', async () => {
    const b = await stage.connect(`${ben}/phone`);
    await ask(b, el('iq', ns.client, { type: 'set', id: 'v' }, el('vCard', ns.vcardTemp, {}, 'x')));
    await ask(b, command('block', 'example.com'));
    await ask(
      b,
      el('iq', ns.client, { type: 'set', id: 'r' }, el('query', ns.register, {}, el('remove', ns.register))),
    );
    await stage.addAccounts(ben);
    const next = await stage.connect(`${ben}/phone`);
    await next.send(el('iq', ns.client, { type: 'get', id: 'b' }, el('blocklist', ns.blocking)));
    await next.send(el('iq', ns.client, { type: 'get', id: 'v' }, el('vCard', ns.vcardTemp)));
    const answers: Element[] = [];
    await expect.poll(() => answers.push(...next.take())).toBe(2);
    expect(answers.map((answer) => answer.elements())).toEqual([
      [el('blocklist', ns.blocking)],
      [el('vCard', ns.vcardTemp)],
    ]);
  });
});
