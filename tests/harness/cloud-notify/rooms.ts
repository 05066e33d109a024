import { type Element, el } from '../../../src/xmpp/element.js';
import { Jid } from '../../../src/xmpp/jid.js';
import { ns } from '../../../src/xmpp/ns.js';
import { message, presence } from '../../../src/xmpp/stanza.js';
import { waitFor } from '../net.js';
import type { Phone } from './phone.js';
import type { Scenario } from './scenario.js';
import { body, newText, type Stage } from './stage.js';
import { mark } from './world.js';

const muc = 'http://jabber.org/protocol/muc';
const patience = { timeout: 60_000 };
const subject = () => el('subject', ns.client, {}, newText());

/** A room that the friend has opened. */
async function openRoom(stage: Stage): Promise<string> {
  const { world, friend } = stage;
  if (world.rooms === undefined) throw new Error('there are no rooms here');
  const room = `${newText().replaceAll(' ', '-')}@${world.rooms}`;
  friend.send(presence({ to: `${room}/${mark}-friend` }, el('x', muc)));
  await settleRoom(stage, room);
  return room;
}

/** All that the friend has said to a room has been heard by all. */
async function settleRoom({ friend }: Stage, room: string): Promise<void> {
  const payload = el('query', ns.discoInfo);
  const answer = await friend.client.request({ type: 'get', to: Jid.parse(room), payload });
  if (answer.kind !== 'result') throw new Error(`${room} does not answer: ${answer.kind}`);
}

/** Joining ends with the subject (XEP-0045 §7.2.15). */
async function join(phone: Phone, room: string): Promise<void> {
  phone.send(presence({ to: `${room}/${mark}-phone` }, el('x', muc)));
  const hasSubject = () => phone.messages.some((stanza) => stanza.child('subject') !== undefined);
  await waitFor('the subject of a room', hasSubject, patience);
}

async function say(stage: Stage, room: string, ...children: readonly Element[]): Promise<void> {
  stage.write(room, children, 'groupchat');
  await settleRoom(stage, room);
}

/** What a client that sleeps hears of what the friend says in a room that both are in. */
async function heardInRoom(stage: Stage, ...children: readonly Element[]): Promise<string[]> {
  const phone = await stage.phone();
  const room = await openRoom(stage);
  await join(phone, room);
  await stage.sleep(phone);
  await say(stage, room, ...children);
  return stage.heardBy(phone);
}

/** What a room that the app server plays says to somebody; the server has it. */
async function sayAsRoom({ world }: Stage, to: string): Promise<void> {
  const { appServer } = world;
  appServer.send(message({ from: `${mark}@${appServer.jid}/${mark}`, to, type: 'groupchat' }, body()));
  await appServer.settle(world.domain);
}

export const roomScenarios: readonly Scenario[] = [
  {
    name: 'a room that a client is in while it sleeps',
    needs: 'rooms',
    expected: ['important'],
    run: (stage) => heardInRoom(stage, body()),
  },
  {
    name: 'a room with a new subject',
    needs: 'rooms',
    expected: ['unimportant'],
    run: (stage) => heardInRoom(stage, subject()),
  },
  {
    name: 'what a client has said in a room itself',
    needs: 'rooms',
    expected: ['unimportant'],
    prosody: {
      does: ['important'],
      prosody:
        'An important push for what the account itself has said in a room, when it comes back to its devices.',
      belfry: 'An unimportant one.',
      why: 'Nobody has to be told what he has said himself.',
    },
    async run(stage) {
      const phone = await stage.phone();
      const room = await openRoom(stage);
      await join(phone, room);
      await phone.settle();
      phone.fallSilent();
      phone.send(message({ to: room, type: 'groupchat' }, body()));
      await waitFor('the reflection of a message', () => phone.bodies.length > 0, patience);
      await stage.sleep(phone);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'a room that writes to an account that is not there',
    expected: ['important'],
    async run(stage) {
      const phone = await stage.absentee();
      await sayAsRoom(stage, phone.bare);
      return stage.heardBy(phone);
    },
  },
  {
    name: 'a room that writes to a device that is gone',
    expected: [['important'], []],
    prosody: {
      does: [['important'], ['important']],
      prosody:
        'Pushes to all devices for what a room sends to one that is gone, also to those that are connected and in the room.',
      belfry: 'To the device that was in the room.',
      why: 'The others are told by their own occupants.',
    },
    async run(stage) {
      const phone = await stage.absentee();
      const other = await stage.phone(phone.bare);
      await sayAsRoom(stage, phone.jid);
      return stage.heard(phone, other);
    },
  },
];
