import { beforeEach, describe, expect, it } from 'vitest';
import { clientState } from '../../src/hosts/standalone/modules/client-state.js';
import { offline } from '../../src/hosts/standalone/modules/offline.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message, presence } from '../../src/xmpp/stanza.js';
import { parseStored } from '../../src/xmpp/stored-xml.js';
import { type CoreClient, EmbeddedCore } from '../harness/embedded-core.js';
import { RecordingLink } from '../harness/fake-server.js';

const ana = 'ana@example.org';

let embedded: EmbeddedCore;
let phone: CoreClient;
let ben: CoreClient;

beforeEach(async () => {
  embedded = new EmbeddedCore();
  for (const module of [clientState, offline]) module.setup(embedded.core.server);
  phone = (await embedded.connect(`${ana}/phone`)).available();
  ben = (await embedded.connect('ben@example.org/pc')).available();
});

const text = (id: string, to = ana) => message({ to, type: 'chat', id }, el('body', ns.client, {}, 'hello'));
const receipt = (id: string, to = ana) =>
  message({ to, type: 'chat', id }, el('received', ns.receipts, { id }));
const directed = (id: string) => presence({ from: 'ben@example.org/pc', to: `${ana}/phone`, id });
const state = (name: 'active' | 'inactive') => phone.say(el(name, ns.clientState));
const ids = (stanzas: readonly Element[]) => stanzas.flatMap((stanza) => stanza.attr('id') ?? []);
const hears = (client: CoreClient) => ids(client.link.take());
const isStanza = ({ ns: namespace }: Element) => namespace === ns.client;

async function say(...stanzas: readonly Element[]): Promise<void> {
  for (const stanza of stanzas) await ben.say(stanza);
}

/** What is kept for the account, oldest first. */
async function kept(): Promise<readonly string[]> {
  const { id } = await embedded.account(ana);
  const messages = await embedded.stores.offline.list(id, 100);
  return ids(messages.map(({ message: xml }) => parseStored(xml)));
}

describe('a session that is over while its client is inactive', () => {
  beforeEach(() => state('inactive'));

  it('leaves what was held to be kept', async () => {
    await say(receipt('1'), receipt('2'));
    await phone.lose();
    expect(await kept()).toEqual(['1', '2']);
  });

  it('leaves it to another session, with the time at which it came', async () => {
    const tablet = (await embedded.connect(`${ana}/tablet`)).available();
    await say(receipt('1', `${ana}/phone`));
    expect(hears(tablet)).toEqual([]);
    await phone.lose();
    const got = tablet.only();
    expect(got.attr('id')).toBe('1');
    expect(got.child('delay', ns.delay)?.attr('from')).toBe('example.org');
  });

  it('leaves nothing that another session has already', async () => {
    const tablet = (await embedded.connect(`${ana}/tablet`)).available();
    await say(receipt('1'));
    expect(hears(tablet)).toEqual(['1']);
    await phone.lose();
    expect(hears(tablet)).toEqual([]);
    expect(await kept()).toEqual([]);
  });
});

describe('a session that hibernates while its client is inactive', () => {
  let name: string;

  beforeEach(async () => {
    await phone.say(el('enable', ns.streamManagement, { resume: 'true' }));
    name = phone.only().attr('id') ?? '';
    await state('inactive');
  });

  const resume = async (): Promise<RecordingLink> => {
    const link = new RecordingLink();
    const request = el('resume', ns.streamManagement, { previd: name, h: '0' });
    await embedded.core.entrance.resume(await embedded.account(ana), request, link);
    return link;
  };

  it('is told of what matters only, and the client hears all of it in order', async () => {
    const queued: Element[] = [];
    embedded.core.server.hooks.hibernationQueued.on((_, stanza) => void queued.push(stanza));
    await phone.lose();
    await embedded.core.server.route(directed('1'));
    await say(receipt('2'));
    expect(queued).toEqual([]);
    await say(text('3'), receipt('4'));
    expect(ids(queued)).toEqual(['1', '2', '3']);
    const link = await resume();
    expect(ids(link.sent.filter(isStanza))).toEqual(['1', '2', '3', '4']);
  });

  it('is active when it is resumed', async () => {
    await say(receipt('1'));
    await phone.lose();
    const link = await resume();
    await say(receipt('2'));
    expect(ids(link.sent.filter(isStanza))).toEqual(['1', '2']);
  });

  it('leaves what it was sent and what was held when nobody resumes it', async () => {
    await phone.lose();
    await say(text('1'), receipt('2'));
    await embedded.core.server.route(directed('3'));
    await say(receipt('4'));
    embedded.clock.advance(600_000);
    await expect.poll(kept).toEqual(['1', '2', '4']);
  });
});
