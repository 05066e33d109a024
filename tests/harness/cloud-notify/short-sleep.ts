import { el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { presence } from '../../../src/xmpp/stanza.js';
import { waitFor } from '../net.js';
import type { Phone } from './phone.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';
import { mark, type PushSettings } from './world.js';

/** Sessions wait for their clients so shortly that tests see them end. */
export const shortSleep: PushSettings = { hibernationTime: 2 };

/** Says to a client that it is there; the server tells that one when its session ends (RFC 6121 §4.6.3). */
async function greet(phone: Phone, watcher: Phone): Promise<void> {
  phone.send(presence({ to: watcher.jid }));
  await waitFor(`presence of ${phone.jid}`, () => watcher.presences.some(isOf(phone)), { timeout: 60_000 });
}

const isOf =
  ({ jid }: Phone) =>
  (stanza: { attr(name: string): string | undefined }) =>
    stanza.attr('from') === jid;

const hasLeft = (watcher: Phone, phone: Phone) =>
  watcher.presences.filter(isOf(phone)).some((stanza) => stanza.attr('type') === 'unavailable');

const left = (watcher: Phone, phone: Phone) =>
  waitFor(`the end of ${phone.jid}`, () => hasLeft(watcher, phone), { timeout: 60_000 });

/** A client with push that sleeps, and one that sees when its session ends. */
async function watched(stage: Stage): Promise<{ phone: Phone; watcher: Phone }> {
  const phone = await stage.phone();
  const watcher = await stage.device();
  await greet(phone, watcher);
  await stage.sleep(phone);
  return { phone, watcher };
}

/** A client without push falls asleep, and sleeps until its session ends. */
async function outsleep(stage: Stage, watcher: Phone): Promise<void> {
  const other = await stage.device();
  await greet(other, watcher);
  await stage.sleep(other);
  await left(watcher, other);
}

export const shortSleepScenarios: readonly Scenario[] = [
  {
    name: 'the session of a client with push waits longer than others',
    expected: 'resumed',
    async run(stage) {
      const { phone, watcher } = await watched(stage);
      await outsleep(stage, watcher);
      return phone.wakeUp();
    },
  },
  {
    name: 'an unimportant push does not end the longer wait',
    expected: 'resumed',
    async run(stage) {
      const { phone, watcher } = await watched(stage);
      await stage.wake(phone, [el('accept', ns.callSignals, { id: `${mark}-call` })]);
      await outsleep(stage, watcher);
      return phone.wakeUp();
    },
  },
  {
    name: 'an important push ends the longer wait',
    expected: 'failed',
    async run(stage) {
      const { phone, watcher } = await watched(stage);
      await stage.wake(phone);
      await left(watcher, phone);
      return phone.wakeUp();
    },
  },
  {
    name: 'a session that ends leaves its messages to the offline store',
    expected: ['important'],
    prosody: {
      does: ['important', 'important'],
      prosody:
        'Pushes twice for a message that reaches a device in two ways: a late acknowledgement and then a broken connection, a call and the queue of a session, a session that ends and the offline store.',
      belfry: 'Once for each message and device.',
      why: 'One message is one notification.',
    },
    async run(stage) {
      const { phone, watcher } = await watched(stage);
      await stage.wake(phone);
      await left(watcher, phone);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'a registration that goes ends the longer wait',
    expected: 'failed',
    prosody: {
      does: 'resumed',
      prosody:
        'The session of a device waits on when another device of the account disables its registration, and is pushed for.',
      belfry: 'It waits as long as sessions without push.',
      why: 'Nobody can tell the device any more that it should come back.',
    },
    async run(stage) {
      const { phone, watcher } = await watched(stage);
      const other = await stage.device(phone.bare);
      await other.disable(stage.world.appServer.jid, phone.node);
      await outsleep(stage, watcher);
      return phone.wakeUp();
    },
  },
];
