import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientStanzas } from '../../../../tests/harness/client-stanzas.js';
import { carbonOf } from '../../../xmpp/carbon.js';
import { type Importance, importance } from '../../../xmpp/importance.js';
import { Jid } from '../../../xmpp/jid.js';
import { parseStored } from '../../../xmpp/stored-xml.js';
import type { Rules } from '../channel.js';
import { decide, type Facts, type Occasion, type Recipient, type Source } from './decide.js';

/** What holds whatever comes up and whoever there is. Who is told of what in detail: tests/notify-decisions.test.ts. */

const account = Jid.parse('ana@example.org');
const clients = ['phone', 'tablet', 'desktop'];
const rank = { no: 0, unimportant: 1, important: 2 };
const noRules: Rules = { whileAway: false, ignoresUnknown: false, muted: new Set(), rooms: undefined };

const { says, chat, room, reflected, sent, carbon, iq, presence, toSelf, ...others } = clientStanzas;
const stanzas = [
  ...Object.values(says).flatMap((content) => [chat, room, reflected, sent].map((how) => how(content))),
  ...Object.values(says).flatMap((content) => [
    carbon('sent', sent(content)),
    carbon('received', chat(content)),
  ]),
  ...['get', 'set', 'result', 'error'].map(iq),
  ...['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'error', 'probe'].map(presence),
  ...clients.map(toSelf),
  ...Object.values(others),
].map(parseStored);

const address = fc.oneof(
  fc.constantFrom(
    undefined,
    '',
    'ana@example.org',
    'ana@example.org/phone',
    'tea@rooms.example.net/Ana',
    '@',
  ),
  fc.string({ unit: 'binary' }),
);
/** Of which no server lets the addresses through. */
const broken = fc
  .record({ stanza: fc.constantFrom(...stanzas), from: address, to: address })
  .map(({ stanza, from, to }) => stanza.withAttrs({ from, to }));

const jid = fc.constantFrom('ana@example.org', 'ben@example.net', 'tea@rooms.example.net', 'example.org');
const rules: fc.Arbitrary<Rules> = fc.record({
  whileAway: fc.boolean(),
  ignoresUnknown: fc.boolean(),
  muted: fc.array(jid, { maxLength: 2 }).map((jids) => new Set(jids)),
  rooms: fc.option(
    fc
      .record({
        allow: fc.constantFrom('always', 'mentioned', 'never'),
        nick: fc.constantFrom(undefined, 'Ana', 'Ben', '', '('),
      })
      .map((rule) => new Map([['tea@rooms.example.net', rule]])),
    { nil: undefined },
  ),
});

const recipient: fc.Arbitrary<Recipient> = fc.record({
  client: fc.constantFrom(...clients),
  session: fc.constantFrom('live', 'hibernating', 'none'),
  isNobodyThere: fc.boolean(),
  rules,
  wasTold: fc.boolean(),
});

const sources: Source[] = [
  'offline',
  'archive',
  'hibernation',
  'acknowledgement',
  'call',
  'room',
  'subscription',
];
const concerned: readonly Source[] = ['hibernation', 'acknowledgement'];

const facts: fc.Arbitrary<Facts> = fc
  .record({ isContact: fc.boolean(), isOwn: fc.boolean() })
  .map(({ isContact, isOwn }) => ({ account, isContact, isOwnOccupant: () => isOwn }));

const occasion: fc.Arbitrary<Occasion> = fc
  .record({
    source: fc.constantFrom(...sources),
    stanza: fc.oneof(fc.constantFrom(...stanzas), broken),
    client: fc.constantFrom(...clients),
    isOwnOccupant: fc.boolean(),
    isForOne: fc.boolean(),
  })
  .map(({ source, stanza, client, isOwnOccupant, isForOne }) => ({
    source,
    stanza: carbonOf(stanza, 'sent') ?? carbonOf(stanza, 'received') ?? stanza,
    importance: importance(stanza, () => isOwnOccupant),
    client: concerned.includes(source) || (source === 'room' && isForOne) ? client : undefined,
  }));

/** Holds for any occasion, recipient and knowledge. */
function always(holds: (occasion: Occasion, recipient: Recipient, facts: Facts) => void): void {
  fc.assert(fc.property(occasion, recipient, facts, holds), { numRuns: 2_000 });
}

describe('whatever comes up', () => {
  it('is told once', () => {
    always((it, whom, known) => {
      expect(decide(it, { ...whom, wasTold: true }, known).told).toBe('no');
    });
  });

  it('is not told if it is unimportant, and never as more than it is', () => {
    const most: Record<Importance['level'], number> = { unimportant: 0, prompt: 1, important: 2 };
    always((it, whom, known) => {
      expect(rank[decide(it, whom, known).told]).toBeLessThanOrEqual(most[it.importance.level]);
    });
  });

  it('is told to no other device than the one that it concerns', () => {
    always((it, whom, known) => {
      fc.pre(it.client !== undefined && it.client !== whom.client);
      expect(decide(it, whom, known).told).toBe('no');
    });
  });

  it('is not told to a device that has it or will get it anyway', () => {
    always((it, whom, known) => {
      fc.pre(it.client === undefined && it.source !== 'offline' && it.source !== 'call');
      fc.pre(whom.session === 'hibernating' || (whom.session === 'live' && !whom.rules.whileAway));
      expect(decide(it, whom, known).told).toBe('no');
    });
  });

  it('never wakes a person for what the account itself did', () => {
    always((it, whom, known) => {
      fc.pre(it.importance.kind === 'own');
      expect(decide(it, whom, known).told).not.toBe('important');
    });
  });

  it('is told to as few or fewer when a client has rules', () => {
    always((it, whom, known) => {
      const rules = { ...noRules, whileAway: whom.rules.whileAway };
      const without = decide(it, { ...whom, rules }, known);
      expect(rank[decide(it, whom, known).told]).toBeLessThanOrEqual(rank[without.told]);
    });
  });

  it('is told to as many or more when the sender is a contact', () => {
    always((it, whom, known) => {
      const toContact = decide(it, whom, { ...known, isContact: true });
      expect(rank[decide(it, whom, known).told]).toBeLessThanOrEqual(rank[toContact.told]);
    });
  });

  it('is urgent only if somebody calls, or no longer does', () => {
    always((it, whom, known) => {
      const { told, isUrgent } = decide(it, whom, known);
      expect(isUrgent).toBe(told === 'important' && ['call', 'missed-call'].includes(it.importance.kind));
    });
  });

  it('has a reason, which says nothing of the message', () => {
    const sayings = new Set<string>();
    always((it, whom, known) => {
      const { why } = decide(it, whom, known);
      expect(why).not.toBe('');
      sayings.add(why);
    });
    expect(sayings.size).toBeLessThan(60);
  });

  it('leaves nothing behind', () => {
    always((it, whom, known) => {
      expect(decide(it, whom, known)).toEqual(decide(it, whom, known));
    });
  });
});
