import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { RoomRule, Rules } from '../channel.js';

/** How the content of notifications is kept from everybody but the device (`tigase:push:encrypt:0`). */
export interface Encryption {
  /** 16 bytes, for AES-128-GCM. */
  readonly key: Buffer;
  /** The most bytes that the encrypted content may have, written in base64. */
  readonly maxBytes: number;
}

/** What a client may ask for beside being told (https://xeps.tigase.net, Push Notifications). */
export interface Extensions {
  readonly rules: Rules;
  /** Whether it is told that a notification is unimportant; that one is important is told to all. */
  readonly wantsPriority: boolean;
  /** Whether calls are marked as such, so that the device rings. */
  readonly wantsCalls: boolean;
  readonly encryption: Encryption | undefined;
}

/** The children of `<enable/>` that say all this, by name and namespace; `away` is an attribute. */
export const extensionElements: readonly (readonly [name: string, ns: string])[] = [
  ['encrypt', ns.pushEncryption],
  ['priority', ns.pushPriority],
  ['ignore-unknown', ns.pushIgnoresUnknown],
  ['muted', ns.pushMuted],
  ['groupchat', ns.pushRooms],
  ['jingle', ns.pushCalls],
];

/** What an account's disco#info answers of them; clients ask for nothing that is not there. */
export const extensionFeatures: readonly string[] = [
  ns.pushAway,
  ns.pushEncryption,
  'tigase:push:encrypt:aes-128-gcm',
  ns.pushIgnoresUnknown,
  ns.pushMuted,
  ns.pushRooms,
  ns.pushPriority,
  ns.pushCalls,
];

/**
 * Reads the extensions of an `<enable/>`.
 * @throws {StanzaError} if one asks for what cannot be
 */
export function readExtensions(enable: Element): Extensions {
  const away = enable.attr('away');
  const rules = {
    whileAway: away === 'true' || away === '1',
    ignoresUnknown: enable.child('ignore-unknown', ns.pushIgnoresUnknown) !== undefined,
    muted: readMuted(enable.child('muted', ns.pushMuted)),
    rooms: readRooms(enable.child('groupchat', ns.pushRooms)),
  };
  return {
    rules,
    wantsPriority: enable.child('priority', ns.pushPriority) !== undefined,
    wantsCalls: enable.child('jingle', ns.pushCalls) !== undefined,
    encryption: readEncryption(enable.child('encrypt', ns.pushEncryption)),
  };
}

const nobody: ReadonlySet<string> = new Set();

/** Who has no valid address says nothing that could be kept from the device: such items are passed over. */
function readMuted(muted: Element | undefined): ReadonlySet<string> {
  const items = muted?.elements().filter(({ name }) => name === 'item') ?? [];
  const jids = items.flatMap((item) => bareJid(item) ?? []);
  return jids.length === 0 ? nobody : new Set(jids);
}

/** A room without a valid address is passed over; of one that is twice in the list, the last rule counts. */
function readRooms(groupchat: Element | undefined): ReadonlyMap<string, RoomRule> | undefined {
  if (groupchat === undefined) return undefined;
  const rooms = groupchat.elements().filter(({ name }) => name === 'room');
  return new Map(
    rooms.flatMap((room) => {
      const jid = bareJid(room);
      return jid === undefined ? [] : [[jid, readRoomRule(room)] as const];
    }),
  );
}

function readRoomRule(room: Element): RoomRule {
  const allow = room.attr('allow');
  const nick = room.attr('nick');
  if (allow === 'always' || allow === 'mentioned' || allow === 'never') {
    return { allow, nick: nick === '' ? undefined : nick };
  }
  throw new StanzaError('bad-request', "A room's 'allow' is always, mentioned or never.");
}

function bareJid(item: Element): string | undefined {
  return Jid.tryParse(item.attr('jid'))?.bare().toString();
}

const keyOf16Bytes = /^[A-Za-z0-9+/]{22}(?:==)?$/;
const keyBytes = 16;

function readEncryption(encrypt: Element | undefined): Encryption | undefined {
  if (encrypt === undefined) return undefined;
  if (encrypt.attr('alg') !== 'aes-128-gcm') {
    throw new StanzaError('feature-not-implemented', 'Content is encrypted by aes-128-gcm only.', 'modify');
  }
  const text = encrypt.text().replace(/\s/g, '');
  const key = Buffer.from(text, 'base64');
  if (!keyOf16Bytes.test(text) || key.length !== keyBytes) {
    throw new StanzaError('bad-request', `The key of aes-128-gcm is the base64 of ${keyBytes} bytes.`);
  }
  return { key, maxBytes: readMaxSize(encrypt.attr('max-size')) };
}

/** What push services take of one notification is 4 KiB at most; Tigase's limit, if none is asked for, leaves room for the rest. */
const usualSize = 3000;
const smallestSize = 256;
const largestSize = 4096;

function readMaxSize(text: string | undefined): number {
  if (text === undefined) return usualSize;
  const size = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (size < smallestSize) {
    throw new StanzaError('bad-request', `max-size is a number of bytes, at least ${smallestSize}.`);
  }
  return Math.min(size, largestSize);
}
