import { describe, expect, it } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { iqNamed, type RawClient } from '../harness/c2s.js';
import { answerTo, domain, fateOf, pour, repeated, useHostileServer } from '../harness/hostile.js';
import { waitFor } from '../harness/net.js';

const hostile = useHostileServer();
const kilobyte = 'x'.repeat(1024);
const to = (user: string, resource = 'r') => `${user}@${domain}/${resource}`;
const chat = (address: string, id: string, body: string) =>
  `<message to='${address}' type='chat' id='${id}'><body>${body}</body></message>`;
const conditionOf = (text: string) => /<error[^>]*><([a-z-]+)/.exec(text)?.[1] ?? 'no error';

/** Everybody else talks on while something goes on. */
async function talkWhile<T>(work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await hostile.talk();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return over;
}

/** Waits until everything that a raw client was sent before is there. */
async function settle(client: RawClient): Promise<string> {
  const id = `settle-${Math.random()}`;
  client.write(`<iq type='get' id='${id}' to='${domain}'><ping xmlns='${ns.ping}'/></iq>`);
  await waitFor('an answer', () => client.text.includes(id) || client.isClosed, { timeout: 60_000 });
  return client.take();
}

describe('who does not read', () => {
  it('is cut off when others write 10 MB to it, and nothing of that is lost', async () => {
    const victim = await hostile.logIn('mallory1');
    await victim.write(`<presence/>${iqNamed('p1')}`).expect("id='p1'");
    victim.socket.pause();
    const writer = await hostile.logIn('mallory2');
    const ids = Array.from({ length: 1_000 }, (_, at) => `load-${at}-`);
    const body = kilobyte.repeat(10);
    await talkWhile(
      pour(
        writer,
        ids.map((id) => chat(to('mallory1'), id, body)),
      ),
    );
    await settle(writer);
    await hostile.talk();
    victim.socket.resume();
    const read = await victim.closed();
    const successor = await hostile.logIn('mallory1', 'next');
    successor.write('<presence/>');
    const missing = () => ids.filter((id) => !read.includes(id) && !successor.text.includes(id));
    await waitFor('what was kept', () => missing().length === 0, { timeout: 60_000 });
    for (const { socket } of [successor, writer]) socket.destroy();
  });

  it('gets a large box of offline messages bit by bit when it does, and is not cut off', async () => {
    const writer = await hostile.logIn('mallory5');
    const ids = Array.from({ length: 60 }, (_, at) => `kept-${at}-`);
    await pour(
      writer,
      ids.map((id) => chat(`mallory6@${domain}`, id, kilobyte.repeat(100))),
    );
    await settle(writer);
    const reader = await hostile.logIn('mallory6');
    reader.write('<presence/>');
    reader.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await hostile.talk();
    reader.socket.resume();
    await waitFor('all of them', () => ids.every((id) => reader.text.includes(id)), { timeout: 30_000 });
    await settle(reader);
    expect(reader.isClosed).toBe(false);
    for (const { socket } of [reader, writer]) socket.destroy();
  });
});

describe('who sends faster than allowed', () => {
  it('is slowed down, and others are not', async () => {
    const reader = await hostile.logIn('mallory8');
    const writer = await hostile.logIn('mallory7');
    const begun = Date.now();
    const flood = pour(writer, repeated(chat(to('mallory8'), 'f', kilobyte.repeat(50)), 1_000));
    for (let time = 0; time < 20; time++) {
      await hostile.talk();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const rate = 1_000_000;
    const taken = writer.socket.bytesWritten - writer.socket.writableLength;
    const buffers = 8 * 1024 * 1024;
    expect(taken).toBeLessThan(10 * rate + ((Date.now() - begun) / 1000) * rate + buffers);
    for (const { socket } of [reader, writer]) socket.destroy();
    await flood;
  });

  it('cannot make the server forget others by a storm of requests, each of which is answered once', async () => {
    const client = await hostile.logIn('mallory9');
    const count = 3_000;
    const request = (n: number) =>
      `<iq type='get' id='storm-${n}-' to='nobody${n}@${domain}'><vCard xmlns='${ns.vcardTemp}'/></iq>`;
    client.write(Array.from({ length: count }, (_, n) => request(n)).join(''));
    const answers = () => client.text.match(/id='storm-\d+-'/g) ?? [];
    await talkWhile(waitFor('the answers', () => answers().length >= count, { timeout: 60_000 }));
    expect(new Set(answers()).size).toBe(count);
    expect(answers()).toHaveLength(count);
    client.socket.destroy();
  });

  it('asks for its own large vCard over and over, and others do not notice', async () => {
    const client = await hostile.logIn('mallory10');
    const card = `<vCard xmlns='${ns.vcardTemp}'><NOTE>${'<b/>'.repeat(9_000)}${kilobyte.repeat(80)}</NOTE></vCard>`;
    expect(await answerTo(client, 'set', `<iq type='set' id='set'>${card}</iq>`)).toContain("type='result'");
    const request = `<iq type='get' id='get'><vCard xmlns='${ns.vcardTemp}'/></iq>`;
    client.write(request.repeat(5_000));
    await talkWhile(new Promise((resolve) => setTimeout(resolve, 5_000)));
    client.socket.destroy();
  });

  it('changes its presence over and over before many contacts, and others do not notice', async () => {
    const client = await hostile.logIn('mallory11');
    const targets = Array.from({ length: 900 }, (_, n) => `<presence to='ghost${n}@${domain}'/>`).join('');
    client.write(targets);
    await settle(client);
    client.write("<presence/><presence type='unavailable'/>".repeat(500) + targets.repeat(5));
    await talkWhile(settle(client));
    client.socket.destroy();
  });
});

describe('what is too much', () => {
  it.each<readonly [string, string, string]>([
    [
      'a vCard',
      `<vCard xmlns='${ns.vcardTemp}'><NOTE>${kilobyte.repeat(130)}</NOTE></vCard>`,
      'policy-violation',
    ],
    [
      'a private document',
      `<query xmlns='${ns.privateXml}'><a xmlns='urn:a'>${kilobyte.repeat(130)}</a></query>`,
      'policy-violation',
    ],
    ['a block list', `<block xmlns='${ns.blocking}'>${items(2_001)}</block>`, 'resource-constraint'],
    [
      'the name of a contact',
      `<query xmlns='${ns.roster}'><item jid='a@b' name='${kilobyte}'/></query>`,
      'not-acceptable',
    ],
    [
      'the address of a contact',
      `<query xmlns='${ns.roster}'><item jid='${kilobyte}@b'/></query>`,
      'jid-malformed',
    ],
    [
      'the groups of a contact',
      `<query xmlns='${ns.roster}'><item jid='a@b'>${groups(33)}</item></query>`,
      'not-acceptable',
    ],
  ])('%s is refused', async (_what, payload, condition) => {
    const client = await hostile.logIn('mallory12');
    expect(conditionOf(await answerTo(client, 'set', `<iq type='set' id='set'>${payload}</iq>`))).toBe(
      condition,
    );
    client.socket.destroy();
  });

  it('101 private documents are one too many', async () => {
    const client = await hostile.connect(to('mallory13'));
    const store = async (n: number) => {
      const payload = el('query', ns.privateXml, {}, el('a', `urn:a:${n}`, {}, 'x'));
      const answer = await client.client.request({ type: 'set', payload });
      return answer.kind === 'error' ? answer.error.condition : answer.kind;
    };
    for (let n = 0; n < 100; n++) expect(await store(n)).toBe('result');
    expect(await store(100)).toBe('resource-constraint');
    expect(await store(0)).toBe('result');
    await client.close();
  });

  it('2,001 contacts are one too many', async () => {
    const client = await hostile.logIn('mallory14');
    const add = (n: number) =>
      `<iq type='set' id='add-${n}-'><query xmlns='${ns.roster}'><item jid='c${n}@example.org'/></query></iq>`;
    for (let n = 0; n < 2_000; n += 50) {
      client.write(Array.from({ length: 50 }, (_, at) => add(n + at)).join(''));
      const answers = () => client.text.match(/<iq [^>]*id='add-/g)?.length ?? 0;
      await waitFor('the answers', () => answers() === 50, { timeout: 30_000 });
      expect(client.take()).not.toContain('<error');
    }
    expect(conditionOf(await answerTo(client, 'add-2000-', add(2_000)))).toBe('resource-constraint');
    const roster = await answerTo(
      client,
      'all',
      `<iq type='get' id='all'><query xmlns='${ns.roster}'/></iq>`,
    );
    expect(roster).not.toContain('<error');
    client.socket.destroy();
  });

  it('a session directs presence to 1,000 addresses, and says a word of 16 KiB to each', async () => {
    const client = await hostile.logIn('mallory15');
    client.write(
      Array.from({ length: 1_001 }, (_, n) => `<presence id='d${n}' to='ghost${n}@${domain}'/>`).join(''),
    );
    const text = await settle(client);
    expect(text.match(/<error/g)).toHaveLength(1);
    expect(text).toMatch(/id='d1000'[^>]*><error[^>]*><resource-constraint/);
    const large = `<presence id='large'><status>${kilobyte.repeat(17)}</status></presence>`;
    expect(conditionOf(await answerTo(client, 'large', large))).toBe('policy-violation');
    client.socket.destroy();
  });

  it('a long namespace by a short prefix, 10,000 times, ends the stream', async () => {
    const client = await hostile.logIn('mallory16');
    client.write(
      `<message to='bob@${domain}/desk' xmlns:p='urn:${kilobyte}'>${'<p:a/><b/>'.repeat(10_000)}</message>`,
    );
    expect(await fateOf(client)).toBe('policy-violation');
  });

  it('more than 10,000 elements in a stanza end the stream', async () => {
    const client = await hostile.logIn('mallory16');
    client.write(`<message to='bob@${domain}/desk'><body>${'<a/>'.repeat(10_000)}</body></message>`);
    expect(await fateOf(client)).toBe('policy-violation');
  });

  it('offline messages of one account are bounded, and their sender hears of those that nothing keeps', async () => {
    const owner = await hostile.logIn('mallory18');
    const keepNothing = `<prefs xmlns='${ns.archive}' default='never'><always/><never/></prefs>`;
    await answerTo(owner, 'prefs', `<iq type='set' id='prefs'>${keepNothing}</iq>`);
    await owner.write('</stream:stream>').closed();
    const writer = await hostile.logIn('mallory17');
    const message = (n: number) => chat(`mallory18@${domain}`, `off-${n}-`, 'Hi.');
    writer.write(Array.from({ length: 1_003 }, (_, n) => message(n)).join(''));
    const text = await settle(writer);
    expect(text.match(/<service-unavailable/g)).toHaveLength(3);
    const successor = await hostile.logIn('mallory18');
    successor.write('<presence/>');
    await waitFor('what was kept', () => successor.text.includes('off-999-'), { timeout: 60_000 });
    expect((await settle(successor)).match(/<message /g)).toHaveLength(1_000);
    for (const { socket } of [writer, successor]) socket.destroy();
  });

  it('sessions of one account are bounded', async () => {
    const clients = await Promise.all(
      Array.from({ length: 20 }, (_, n) => hostile.logIn('mallory19', `s${n}`)),
    );
    await expect(hostile.connect(to('mallory19', 'one-more'))).rejects.toThrow();
    for (const { socket } of clients) socket.destroy();
  });
});

it('memory returns to its level after all of that', async () => {
  const flood = async () => {
    const [writer, reader] = [await hostile.logIn('mallory20'), await hostile.logIn('mallory21')];
    const addressed = Array.from({ length: 2_000 }, (_, n) =>
      chat(to('mallory21', `${Math.random()}${n}`), 'x', kilobyte),
    );
    await pour(writer, addressed);
    await settle(writer);
    for (const { socket } of [writer, reader]) socket.destroy();
  };
  await flood();
  const before = await hostile.memory();
  for (let time = 0; time < 4; time++) await flood();
  await hostile.memoryBelow(before + 5);
});

function items(count: number): string {
  return Array.from({ length: count }, (_, n) => `<item jid='b${n}@example.org'/>`).join('');
}

function groups(count: number): string {
  return Array.from({ length: count }, (_, n) => `<group>${n}</group>`).join('');
}
