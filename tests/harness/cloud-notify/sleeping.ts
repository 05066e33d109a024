import { type Element, el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { message, presence } from '../../../src/xmpp/stanza.js';
import { waitFor } from '../net.js';
import type { Phone } from './phone.js';
import type { Difference, Scenario } from './scenario.js';
import { body, type Stage } from './stage.js';

const accept = () => el('accept', ns.callSignals, { id: 'call' });
const propose = () => el('propose', ns.callSignals, { id: 'call' });
const composing = () => el('composing', ns.chatStates);
const carbons = () => el('enable', ns.carbons);

const twice: Omit<Difference, 'does'> = {
  prosody:
    'Pushes twice for a message that reaches a device in two ways: a late acknowledgement and then a broken connection, a call and the queue of a session, a session that ends and the offline store.',
  belfry: 'Once for each message and device.',
  why: 'One message is one notification.',
};

async function hasGot(phone: Phone, count: number): Promise<void> {
  await waitFor(`${count} messages`, () => phone.messages.length >= count, { timeout: 60_000 });
}

/** A client that gets messages, and whose connection breaks before it has said so. */
async function breakBeforeAcknowledgement(
  stage: Stage,
  phone: Phone,
  messages: readonly (readonly Element[])[],
) {
  phone.fallSilent();
  for (const children of messages) stage.write(phone.bare, children);
  await hasGot(phone, messages.length);
  await stage.sleep(phone);
}

/** A client that sleeps, which gets copies (XEP-0280), and another one of the account that does not. */
async function sleeperWithCopies(stage: Stage): Promise<{ phone: Phone; desk: Phone }> {
  const phone = await stage.phone();
  await phone.ask('set', carbons());
  const desk = await stage.device(phone.bare);
  await phone.settle();
  await stage.sleep(phone);
  return { phone, desk };
}

export const sleepingScenarios: readonly Scenario[] = [
  {
    name: 'nobody is there',
    expected: ['important'],
    async run(stage) {
      const phone = await stage.absentee();
      stage.write(phone.bare);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'nobody is there for a chat state',
    expected: [],
    prosody: {
      does: ['unimportant'],
      prosody:
        'An unimportant push for whatever comes for an account that is not there: chat states, receipts, markers.',
      belfry: 'No push.',
      why: 'They tell a person nothing.',
    },
    async run(stage) {
      const phone = await stage.absentee();
      stage.write(phone.bare, [composing()]);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'another device of the account is there',
    expected: [['important'], []],
    async run(stage) {
      const phone = await stage.absentee();
      const other = await stage.phone(phone.bare);
      stage.write(phone.bare);
      return stage.heard(phone, other);
    },
  },
  {
    name: 'another device of the account is there for a marker',
    expected: [],
    prosody: {
      does: ['unimportant'],
      prosody: 'An unimportant push for receipts and markers that come while another device is connected.',
      belfry: 'No push.',
      why: 'They tell a person nothing.',
    },
    async run(stage) {
      const phone = await stage.absentee();
      await stage.device(phone.bare);
      stage.write(phone.bare, [el('displayed', ns.chatMarkers, { id: 'marked' })]);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'the account writes from another device',
    expected: [[], []],
    async run(stage) {
      const phone = await stage.absentee();
      const desk = await stage.phone(phone.bare);
      desk.send(message({ to: stage.friend.jid.toString(), type: 'chat' }, body()));
      await desk.settle();
      return stage.heard(phone, desk);
    },
  },
  {
    name: 'a burst for a client that sleeps, and another one',
    expected: [['important'], ['important', 'important']],
    async run(stage) {
      const phone = await stage.sleeper();
      for (let count = 0; count < 5; count++) stage.write(phone.bare);
      const first = await stage.heardBy(phone);
      for (let count = 0; count < 5; count++) stage.write(phone.bare);
      return [first, await stage.heardBy(phone)];
    },
  },
  {
    name: 'a burst of unimportant and important messages',
    expected: ['important'],
    prosody: {
      does: ['unimportant', 'important'],
      prosody: 'Of a burst, one important and one unimportant push.',
      belfry: 'The important one alone, unless the other one is about somebody else.',
      why: 'The device that wakes up for it gets everything.',
    },
    async run(stage) {
      const phone = await stage.sleeper();
      for (const children of [[accept()], [body()], [accept()], [body()]]) stage.write(phone.bare, children);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'what was not acknowledged when the connection broke',
    expected: ['important'],
    async run(stage) {
      const phone = await stage.phone();
      await breakBeforeAcknowledgement(stage, phone, [[body()], [body()], [body()]]);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'a client that does not acknowledge',
    expected: ['important'],
    async run(stage) {
      const phone = await stage.phone();
      phone.fallSilent();
      await stage.wake(phone);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'a client that does not acknowledge, and whose connection breaks then',
    expected: ['important'],
    prosody: { ...twice, does: ['important', 'important'] },
    async run(stage) {
      const phone = await stage.phone();
      phone.fallSilent();
      await stage.wake(phone);
      await stage.sleep(phone);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'a client that comes back, and sleeps again',
    expected: [['important'], ['important'], ['important', 'important'], 2],
    async run(stage) {
      const phone = await stage.sleeper();
      await stage.wake(phone);
      const first = await stage.heardBy(phone);
      await phone.wakeUp();
      await hasGot(phone, 1);
      await phone.settle();
      await stage.sleep(phone);
      const second = await stage.heardBy(phone);
      await stage.wake(phone);
      const third = await stage.heardBy(phone);
      await phone.wakeUp();
      await hasGot(phone, 2);
      return [first, second, third, new Set(phone.bodies).size];
    },
  },
  {
    name: 'messages are counted until the client is back',
    expected: ['1', '2', '1'],
    prosody: {
      does: ['1', '1', '1'],
      prosody: '`message-count` is always 1.',
      belfry: 'The number of messages worth showing that the device was told of since it was last there.',
      why: 'That is what a badge is to show.',
    },
    async run(stage) {
      const phone = await stage.sleeper();
      const counts = [await stage.wake(phone), await stage.wake(phone)];
      await phone.wakeUp();
      await hasGot(phone, 2);
      await phone.settle();
      await stage.sleep(phone);
      counts.push(await stage.wake(phone));
      return counts.map(({ summary }) => summary['message-count']);
    },
  },
  {
    name: 'a call, for a device that is connected, one that sleeps and one that is gone',
    expected: [['important'], ['important'], ['important']],
    prosody: { ...twice, does: [['important'], ['important', 'important'], ['important']] },
    async run(stage) {
      const gone = await stage.absentee();
      const connected = await stage.phone(gone.bare);
      const asleep = await stage.sleeper(gone.bare);
      stage.write(gone.bare, [propose()]);
      return stage.heard(connected, asleep, gone);
    },
  },
  {
    name: 'a call by the account itself',
    expected: [[], []],
    async run(stage) {
      const gone = await stage.absentee();
      const caller = await stage.phone(gone.bare);
      caller.send(message({ to: stage.friend.jid.toString(), type: 'chat' }, propose()));
      await caller.settle();
      return stage.heard(caller, gone);
    },
  },
  {
    name: 'a copy of what another device got',
    expected: ['important'],
    async run(stage) {
      const { phone, desk } = await sleeperWithCopies(stage);
      stage.write(desk.jid);
      await hasGot(desk, 1);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'a copy of what another device has sent',
    expected: ['unimportant'],
    async run(stage) {
      const { phone, desk } = await sleeperWithCopies(stage);
      desk.send(message({ to: stage.friend.jid.toString(), type: 'chat' }, body()));
      await desk.settle();
      return stage.heardBy(phone);
    },
  },
  {
    name: 'somebody asks for presence, and a client sleeps',
    expected: ['important'],
    prosody: {
      does: ['unimportant'],
      prosody: 'An unimportant push for invitations to rooms and for requests for presence.',
      belfry: 'An important push.',
      why: 'Somebody waits for an answer.',
    },
    async run(stage) {
      const phone = await stage.sleeper();
      stage.friend.send(presence({ to: phone.bare, type: 'subscribe' }));
      return stage.heardBy(phone);
    },
  },
  {
    name: 'somebody asks for presence, and nobody is there',
    expected: ['important'],
    prosody: {
      does: [],
      prosody: 'No push for a request for presence while no session of the account is there.',
      belfry: 'An important push.',
      why: 'Somebody waits for an answer.',
    },
    async run(stage) {
      const phone = await stage.absentee();
      stage.friend.send(presence({ to: phone.bare, type: 'subscribe' }));
      return stage.heardBy(phone);
    },
  },
];
