import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rules } from '../src/services/notify/channel.js';
import {
  decide,
  type Facts,
  type Occasion,
  type Recipient,
  type Verdict,
} from '../src/services/notify/decision/decide.js';
import { strangerOf } from '../src/services/notify/decision/stranger.js';
import { carbonOf } from '../src/xmpp/carbon.js';
import type { Element } from '../src/xmpp/element.js';
import { importance } from '../src/xmpp/importance.js';
import { Jid } from '../src/xmpp/jid.js';
import { parseStored } from '../src/xmpp/stored-xml.js';
import { clientStanzas } from './harness/client-stanzas.js';
import {
  type Row,
  rings,
  rulesTable,
  table,
  type Way,
  ways,
  whereabouts,
} from './harness/notify-decisions.js';
import { NotifyStage } from './harness/notify-stage.js';

const { says, chat } = clientStanzas;
const account = Jid.parse('ana@example.org');
const noRules: Rules = { whileAway: false, ignoresUnknown: false, muted: new Set(), rooms: undefined };

function occasionOf(way: Way, xml: string, isOwnOccupant: Facts['isOwnOccupant']): Occasion {
  const stanza = parseStored(xml);
  return { ...ways[way], stanza: originalOf(stanza), importance: importance(stanza, isOwnOccupant) };
}

function originalOf(stanza: Element): Element {
  return carbonOf(stanza, 'sent') ?? carbonOf(stanza, 'received') ?? stanza;
}

const facts: Facts = {
  account,
  isContact: true,
  isOwnOccupant: (occupant) => occupant === 'tea@rooms.example.net/Ana',
};

const device = (client: string, state: Recipient['session'], rules: Partial<Rules> = {}): Recipient => ({
  client,
  session: state,
  isNobodyThere: false,
  rules: { ...noRules, ...rules },
  wasTold: false,
});

const inWords = ({ told, isUrgent, why }: Verdict) => `${isUrgent ? `urgent, ${told}` : told}: ${why}`;

const verdictOf = (way: Way, xml: string, recipient: Recipient, known: Facts = facts) =>
  inWords(decide(occasionOf(way, xml, known.isOwnOccupant), recipient, known));

const groups = Object.entries(table) as [Way, readonly Row[]][];

describe('with a phone that hibernates, a tablet that is away and a desktop that is connected', () => {
  describe.each(groups)('%s', (way, rows) => {
    it.each(rows)('%s', (_, xml, phone, tablet, desktop) => {
      expect({
        phone: verdictOf(way, xml, device('phone', 'hibernating')),
        tablet: verdictOf(way, xml, device('tablet', 'none')),
        desktop: verdictOf(way, xml, device('desktop', 'live')),
      }).toEqual({ phone, tablet, desktop });
    });
  });
});

describe('a device', () => {
  it.each(whereabouts)('%s: %s, told while away: %s, nobody there: %s', (...where) => {
    const [way, session, whileAway, isNobodyThere, verdict] = where;
    const recipient = { ...device('tablet', session, { whileAway }), isNobodyThere };
    expect(verdictOf(way, chat(says.text), recipient)).toBe(verdict);
  });

  it.each(['none', 'live', 'hibernating'] as const)(
    'is called whether its session is %s or not',
    (session) => {
      expect(verdictOf('a call', chat(says.propose), device('tablet', session))).toBe(rings);
    },
  );

  it.each(Object.keys(ways) as Way[])('is not told again: %s', (way) => {
    const told = { ...device(ways[way].client ?? 'tablet', 'none'), wasTold: true };
    expect(verdictOf(way, chat(says.propose), told)).toBe('no: it was told before');
  });
});

/** As the engine finds it out. */
function factsOf(xml: string): Facts {
  const stranger = strangerOf(originalOf(parseStored(xml)), account);
  return { ...facts, isContact: stranger === undefined || `${stranger}` === 'ben@example.net' };
}

const wayOf = (xml: string) => (xml.includes('groupchat') ? 'of a room, for the tablet' : 'a request');

describe('rules let a device be told of', () => {
  it.each(rulesTable)('%s', (_, rule, xml, verdict) => {
    expect(verdictOf(wayOf(xml), xml, device('tablet', 'none', rule), factsOf(xml))).toBe(verdict);
  });
});

/** The service with devices of the client's rules, and the sessions that they have in the table. */
async function setStage(rules: Readonly<Record<string, Partial<Rules>>>): Promise<NotifyStage> {
  const stage = new NotifyStage();
  for (const [client, rule] of Object.entries(rules)) {
    stage.rules.set(client, rule);
    await stage.enable(client);
  }
  stage.session('phone', { isHibernating: true });
  stage.session('desktop');
  stage.host.addContact(`${account}`, 'ben@example.net');
  stage.host.addOccupant(`${account}`, 'tea@rooms.example.net/Ana');
  return stage;
}

function arrival({ host }: NotifyStage, xml: string): Element {
  const stanza = parseStored(xml);
  host.originals.set(stanza, originalOf(stanza));
  return stanza;
}

/** What the host makes of it. */
function happen({ host }: NotifyStage, way: Way, stanza: Element): Promise<void> {
  const [phone, desktop] = host.sessionsOf(account);
  if (phone === undefined || desktop === undefined) throw new Error('the stage has two sessions');
  const { client } = ways[way];
  switch (ways[way].source) {
    case 'archive':
      return host.archived.fire(account, { id: 'a1', direction: 'incoming', stanza });
    case 'offline':
      return host.offlineMessage.fire(account, stanza);
    case 'hibernation':
      return host.hibernationQueued.fire(phone, stanza);
    case 'acknowledgement':
      return host.ackDelayed.fire(desktop, [stanza]);
    case 'call':
      return host.received.fire(account, stanza);
    case 'room':
      return host.roomMessage.fire(Jid.of(account.local, account.domain, client), stanza);
    case 'subscription':
      return host.subscriptionRequested.fire(account, stanza);
  }
}

const toldBy = (stage: NotifyStage) =>
  stage.deliveries.map(({ client, notification: { level } }) => `${client}: ${level}`).sort();

const toldIn = (verdicts: Readonly<Record<string, string>>, how: RegExp) =>
  Object.entries(verdicts).flatMap(([client, verdict]) => {
    const [, told] = how.exec(verdict) ?? [];
    return told === undefined ? [] : [`${client}: ${told}`];
  });

const anyhow = /^(?:urgent, )?(important|unimportant):/;

describe('the service tells whom the table says, those at once that are urgent', () => {
  describe.each(groups)('%s', (way, rows) => {
    it.each(rows)('%s', async (_, xml, phone, tablet, desktop) => {
      const verdicts = { desktop, phone, tablet };
      const stage = await setStage({ phone: {}, tablet: {}, desktop: {} });
      await happen(stage, way, arrival(stage, xml));
      await stage.settle();
      expect(toldBy(stage)).toEqual(toldIn(verdicts, /^urgent, (important):/));
      await stage.pass(1_000);
      expect(toldBy(stage)).toEqual(toldIn(verdicts, anyhow));
      expect(stage.host.failures).toEqual([]);
    });
  });

  it.each(rulesTable)('%s, by its rules', async (_, rule, xml, verdict) => {
    const stage = await setStage({ tablet: rule });
    await happen(stage, wayOf(xml), arrival(stage, xml));
    await stage.pass(1_000);
    expect(toldBy(stage)).toEqual(toldIn({ tablet: verdict }, anyhow));
    expect(stage.host.failures).toEqual([]);
  });
});

describe('docs/cloud-notify-rules.md', () => {
  const page = readFileSync(new URL('../docs/cloud-notify-rules.md', import.meta.url), 'utf8');
  const verdicts = [
    ...Object.values(table).flatMap((group) => group.flatMap(([, , ...told]) => told)),
    ...whereabouts.map((where) => where[4]),
    ...rulesTable.map(([, , , verdict]) => verdict),
    'no: it was told before',
  ];
  const reasonOf = (verdict: string) => verdict.replace(/^[^:]*: /, '');

  it('has every reason', () => {
    for (const reason of new Set(verdicts.map(reasonOf))) expect(page).toContain(`\`${reason}\``);
  });

  it('has no other reason in its tables, and says what is told as what', () => {
    const rows = page
      .split('\n')
      .filter((line) => line.startsWith('| ') && !line.startsWith('| what comes up'));
    const given = rows.flatMap((row) =>
      [...row.matchAll(/`([a-z][^`<>]* [^`]*)`/g)].map(([, reason = '']) => reason),
    );
    for (const reason of given) expect(verdicts.map(reasonOf)).toContain(reason);
    for (const row of rows) {
      const [, , told = '', reason = ''] = row.split('|').map((cell) => cell.trim());
      if (!/^(important|unimportant|no)\b/.test(told) || !reason.startsWith('`')) continue;
      const words = told.replace('important, at once', 'urgent, important');
      expect(verdicts).toContain(`${words}: ${reason.replaceAll('`', '')}`);
    }
  });
});

describe('one message', () => {
  it('is told to each device at most once, whatever ways it comes up by and whenever', async () => {
    const steps = fc.array(
      fc.record({
        way: fc.constantFrom(...(Object.keys(ways) as Way[])),
        asCarbon: fc.boolean(),
        pause: fc.constantFrom(0, 500, 1_000),
      }),
      { minLength: 2, maxLength: 8 },
    );
    const contents = fc.constantFrom(says.text, says.omemo, says.propose, says.retract, says.retraction);
    await fc.assert(
      fc.asyncProperty(contents, steps, async (content, events) => {
        const stage = await setStage({ phone: {}, tablet: {}, desktop: {} });
        const original = parseStored(chat(content));
        for (const { way, asCarbon, pause } of events) {
          const carbon = parseStored(clientStanzas.carbon('received', chat(content)));
          stage.host.originals.set(carbon, original);
          await happen(stage, way, asCarbon ? carbon : original);
          await stage.pass(pause);
        }
        await stage.pass(1_000);
        const told = stage.deliveries.map(({ client }) => client);
        expect(told).toHaveLength(new Set(told).size);
      }),
      { numRuns: 200 },
    );
  });
});
