import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type FakeClient, FakeServer } from '../../../../tests/harness/fake-server.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import type { Account } from '../account.js';
import { type Archive, createArchive } from '../archive/archive.js';
import type { StoredMessage } from '../store.js';
import { createArchiveModule } from './archive.js';

const ana = 'ana@example.org';
const maxQueryResults = 10;

/** What a client makes of the results and the answer. */
interface Page {
  readonly ids: readonly number[];
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly count: number | undefined;
  readonly isComplete: boolean;
}

const field = (name: string, ...values: string[]) =>
  el('field', ns.dataForms, { var: name }, ...values.map((text) => el('value', ns.dataForms, {}, text)));
const form = (...fields: Element[]) =>
  el('x', ns.dataForms, { type: 'submit' }, field('FORM_TYPE', ns.archive), ...fields);
const rsm = (name: string, value?: string | number) =>
  el(name, ns.resultSets, {}, ...(value === undefined ? [] : [String(value)]));
const set = (...children: Element[]) => el('set', ns.resultSets, {}, ...children);
const query = (...children: Element[]) => el('query', ns.archive, {}, ...children);
const flip = el('flip-page', ns.archive);

const resultOf = (stanza: Element) => stanza.child('result', ns.archive);
const numberIn = (element: Element | undefined) =>
  element === undefined ? undefined : Number(element.text());

describe('archive', () => {
  let server: FakeServer;
  let archive: Archive;
  let account: Account;
  let client: FakeClient;

  beforeEach(async () => {
    const settings = { archive: { defaultPolicy: 'always', expiresAfter: 0, maxQueryResults } } as const;
    server = new FakeServer('example.org', settings);
    archive = createArchive(server);
    createArchiveModule(archive).setup(server);
    account = await server.addAccount(ana);
    client = await server.connect(`${ana}/phone`);
  });

  const ask = (element: Element) => server.askAccount(client, 'set', element);
  const add = (id: number, given: Partial<StoredMessage> = {}) =>
    server.stores.archive.add(account.id, {
      id,
      withBare: 'ben@example.org',
      withResource: 'desk',
      message: `<message xmlns='jabber:client' id='${id}'/>`,
      ...given,
    });
  const fill = async (count: number) => {
    for (let id = 1; id <= count; id++) await add(id);
  };
  async function page(...children: Element[]): Promise<Page> {
    const fin = await ask(query(...children));
    const answer = fin?.child('set', ns.resultSets);
    return {
      ids: client.link.take().map((stanza) => Number(resultOf(stanza)?.attr('id'))),
      first: numberIn(answer?.child('first')),
      last: numberIn(answer?.child('last')),
      count: numberIn(answer?.child('count')),
      isComplete: fin?.attr('complete') === 'true',
    };
  }

  it('is the owner’s alone', () => {
    for (const [type, name] of [
      ['get', 'query'],
      ['set', 'query'],
      ['get', 'metadata'],
      ['get', 'prefs'],
      ['set', 'prefs'],
    ] as const) {
      expect(server.audienceOf({ type, ns: ns.archive, name })).toBe('owner');
    }
  });

  it('is announced by the account', () => {
    expect(server.accountInfo().features).toEqual([
      'urn:xmpp:mam:2',
      'urn:xmpp:mam:2#extended',
      'urn:xmpp:mam:2#groupchat-field',
      'urn:xmpp:sid:0',
    ]);
  });

  describe('results', () => {
    it('have the message as it came, when that was, and the id of the query', async () => {
      await archive.start();
      const stanza = message(
        { from: 'ben@example.org/desk', to: ana, type: 'chat', id: 'b1' },
        el('body', ns.client, {}, `<hi> & "bye" '\n`),
      );
      archive.record(account, stanza, 'incoming', Jid.parse('ben@example.org/desk'));
      const fin = await ask(query().withAttrs({ queryid: 'q 1' }));
      const [sent, ...more] = client.link.take();
      expect(more).toEqual([]);
      const id = sent && resultOf(sent)?.attr('id');
      expect(sent).toEqual(
        el(
          'message',
          ns.client,
          { from: ana, to: `${ana}/phone` },
          el(
            'result',
            ns.archive,
            { id, queryid: 'q 1' },
            el(
              'forwarded',
              ns.forward,
              {},
              el('delay', ns.delay, { stamp: new Date(server.now()).toISOString() }),
              stanza,
            ),
          ),
        ),
      );
      expect(fin).toEqual(
        el('fin', ns.archive, { complete: 'true' }, set(rsm('first', id), rsm('last', id), rsm('count', 1))),
      );
    });

    it('come for an empty archive too, and then there are none', async () => {
      expect(await ask(query())).toEqual(el('fin', ns.archive, { complete: 'true' }, set(rsm('count', 0))));
      expect(client.link.take()).toEqual([]);
    });

    it('are found as soon as a message was delivered, however long the disk takes', async () => {
      const other = new FakeServer();
      const owner = await other.addAccount(ana);
      const { archive: store } = other.stores;
      let finish = () => {};
      const disk = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const add = async (...args: Parameters<typeof store.add>) => disk.then(() => store.add(...args));
      const slow = createArchive({ ...other, stores: { ...other.stores, archive: { ...store, add } } });
      createArchiveModule(slow).setup(other);
      const asker = await other.connect(`${ana}/phone`);
      slow.record(
        owner,
        message({}, el('body', ns.client, {}, 'hi')),
        'incoming',
        Jid.parse('ben@example.org'),
      );
      const answer = other.askAccount(asker, 'set', query(set(rsm('max', 0))));
      finish();
      expect((await answer)?.child('set', ns.resultSets)?.child('count')?.text()).toBe('1');
    });

    it('have the place of a message that cannot be read, and the ones behind it', async () => {
      await add(1, { message: '<message' });
      await add(2);
      expect(await page()).toMatchObject({ ids: [1, 2], isComplete: true });
      expect(server.recorded).toMatchObject([{ name: 'handlerFailed', what: 'archived message' }]);
    });
  });

  describe('pages', () => {
    beforeEach(() => fill(25));
    const range = (first: number, last: number) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index);

    it('have at most what the operator allows', async () => {
      const first = { ids: range(1, 10), first: 1, last: 10, count: undefined, isComplete: false };
      expect(await page()).toEqual(first);
      expect(await page(set(rsm('max', 1_000)))).toEqual(first);
      expect(await page(set(rsm('max', 10)))).toEqual(first);
    });

    it('follow on each other forwards', async () => {
      expect(await page(set(rsm('max', 10), rsm('after', 10)))).toMatchObject({
        ids: range(11, 20),
        isComplete: false,
      });
      expect(await page(set(rsm('max', 10), rsm('after', 15)))).toMatchObject({
        ids: range(16, 25),
        isComplete: true,
      });
      expect(await page(set(rsm('after', 25)))).toMatchObject({
        ids: [],
        first: undefined,
        isComplete: true,
      });
    });

    it('follow on each other backwards, still in order of time', async () => {
      expect(await page(set(rsm('max', 10), rsm('before')))).toEqual({
        ids: range(16, 25),
        first: 16,
        last: 25,
        count: undefined,
        isComplete: false,
      });
      expect(await page(set(rsm('max', 10), rsm('before', 16)))).toMatchObject({
        ids: range(6, 15),
        isComplete: false,
      });
      expect(await page(set(rsm('max', 10), rsm('before', 6)))).toMatchObject({
        ids: range(1, 5),
        isComplete: true,
      });
    });

    it('lie between two ids', async () => {
      expect(await page(set(rsm('after', 3), rsm('before', 6)))).toMatchObject({
        ids: [4, 5],
        isComplete: true,
      });
      const between = form(field('after-id', '3'), field('before-id', '20'));
      expect(await page(between, set(rsm('max', 2)))).toMatchObject({ ids: [4, 5], isComplete: false });
      expect(await page(between, set(rsm('max', 2), rsm('before')))).toMatchObject({ ids: [18, 19] });
      expect(await page(between, set(rsm('max', 3), rsm('after', 17)))).toMatchObject({
        ids: [18, 19],
        isComplete: true,
      });
    });

    it('come newest first if they are flipped, with the same ends', async () => {
      expect(await page(set(rsm('max', 3), rsm('before')), flip)).toMatchObject({
        ids: [25, 24, 23],
        first: 23,
        last: 25,
      });
      expect(await page(set(rsm('max', 3)), flip)).toMatchObject({ ids: [3, 2, 1], first: 1, last: 3 });
    });

    it('say how many messages match when nobody wants to see one', async () => {
      const none = { ids: [], first: undefined, last: undefined, isComplete: false };
      expect(await page(set(rsm('max', 0)))).toEqual({ ...none, count: 25 });
      expect(await page(form(field('after-id', '20')), set(rsm('max', 0), rsm('after', 24)))).toEqual({
        ...none,
        count: 5,
      });
      expect(await page(form(field('with', 'eve@example.org')), set(rsm('max', 0)))).toEqual({
        ...none,
        count: 0,
        isComplete: true,
      });
    });

    it('are of one address, or of one resource of it', async () => {
      await add(26, { withResource: 'phone' });
      await add(27, { withBare: 'eve@example.org', withResource: 'phone' });
      const with_ = (jid: string) => page(form(field('with', jid)), set(rsm('max', 2), rsm('before')));
      expect(await with_('Ben@example.org')).toMatchObject({ ids: [25, 26] });
      expect(await with_('ben@example.org/phone')).toMatchObject({ ids: [26], isComplete: true, count: 1 });
      expect(await with_('ben@example.org/Phone')).toMatchObject({ ids: [] });
      expect(await with_('eve@example.org')).toMatchObject({ ids: [27] });
    });

    it('are of a time', async () => {
      for (const time of [1_000, 2_000, 2_000.5, 3_000]) await add(time * 1_000);
      const between = (start: string, end: string) => page(form(field('start', start), field('end', end)));
      const second = (n: number) => `1970-01-01T00:00:0${n}Z`;
      expect(await between(second(1), second(2))).toMatchObject({ ids: [1_000_000, 2_000_000, 2_000_500] });
      expect(await between('1970-01-01T00:00:01.001Z', second(9))).toMatchObject({
        ids: [2_000_000, 2_000_500, 3_000_000],
      });
      expect(await between(second(2), second(1))).toMatchObject({ ids: [], isComplete: true });
      expect(await between('0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z')).toMatchObject({
        ids: range(1, 10),
      });
    });

    it('are of messages that are named, all of them', async () => {
      const ids = (...values: number[]) => form(field('ids', ...values.map(String)));
      expect(await page(ids(20, 3, 7))).toEqual({
        ids: [3, 7, 20],
        first: 3,
        last: 20,
        count: 3,
        isComplete: true,
      });
      expect(await page(ids(20, 3, 7), set(rsm('max', 2)), flip)).toMatchObject({
        ids: [7, 3],
        isComplete: false,
      });
      expect(await page(ids(20, 3, 7), set(rsm('after', 7)))).toMatchObject({ ids: [20], isComplete: true });
      expect(await page(ids(20, 3, 7), set(rsm('max', 1), rsm('before')))).toMatchObject({ ids: [20] });
      await expect(page(ids(20, 26))).rejects.toMatchObject({ condition: 'item-not-found' });
    });

    it.each([
      ['after', query(set(rsm('after', 26)))],
      ['before', query(set(rsm('before', 26)))],
      ['after-id', query(form(field('after-id', '26')))],
      ['before-id', query(form(field('before-id', '26')))],
      ['after, of which nothing is wanted', query(set(rsm('max', 0), rsm('after', 26)))],
    ])('know no message that is not there: %s', async (_, element) => {
      await expect(ask(element)).rejects.toMatchObject({ condition: 'item-not-found', type: 'cancel' });
      expect(client.link.take()).toEqual([]);
    });

    it('are short if their messages are large', async () => {
      for (let id = 101; id <= 110; id++) {
        await add(id, { message: `<message xmlns='jabber:client' id='${'x'.repeat(250_000)}'/>` });
      }
      const first = await page(form(field('after-id', '25')));
      expect(first).toMatchObject({ ids: range(101, 105), isComplete: false });
      const last = await page(set(rsm('before')));
      expect(last).toMatchObject({ ids: range(106, 110), isComplete: false });
      expect(await page(set(rsm('after', 105)))).toMatchObject({ ids: range(106, 110), isComplete: true });
      expect(await page(set(rsm('after', 106)))).toMatchObject({ ids: range(107, 110), isComplete: true });
    });

    it('give every message once and in order, whatever their size and direction', async () => {
      const sizes = fc.integer({ min: 1, max: 12 });
      await fc.assert(
        fc.asyncProperty(sizes, fc.boolean(), fc.boolean(), async (max, isBackwards, isFlipped) => {
          const found: number[] = [];
          let end: number | undefined;
          for (let isComplete = false; !isComplete; ) {
            const bound = isBackwards ? rsm('before', end) : rsm('after', end);
            const next = await page(set(rsm('max', max), bound), ...(isFlipped ? [flip] : []));
            const ids = isFlipped ? next.ids.toReversed() : next.ids;
            if (isBackwards) found.unshift(...ids);
            else found.push(...ids);
            end = isBackwards ? next.first : next.last;
            ({ isComplete } = next);
          }
          expect(found).toEqual(range(1, 25));
        }),
      );
    });
  });

  describe('a query', () => {
    /** Large enough for several bursts. */
    const large = (id: number) =>
      add(id, { message: `<message xmlns='jabber:client' id='${'x'.repeat(30_000)}'/>` });
    /** The client's connection takes nothing until it is let go on; counts who waits. */
    function holdUp() {
      const waiting: ((isAlive: boolean) => void)[] = [];
      client.link.written = () => new Promise((resolve) => waiting.push(resolve));
      return waiting;
    }
    const turns = async (count = 20) => {
      for (let n = 0; n < count; n++) await new Promise(setImmediate);
    };

    it('sends no more than the client reads', async () => {
      for (let id = 1; id <= 4; id++) await large(id);
      const waiting = holdUp();
      const answer = ask(query());
      await turns();
      expect(client.link.sent).toHaveLength(1);
      for (let sent = 2; sent <= 4; sent++) {
        waiting.shift()?.(true);
        await turns();
        expect(client.link.sent).toHaveLength(sent);
      }
      expect(await answer).toMatchObject({ name: 'fin' });
    });

    it('sends no more than that if it is asked again and again', async () => {
      await large(1);
      const waiting = holdUp();
      const answers = [ask(query()), ask(query())];
      await turns();
      expect(client.link.sent).toHaveLength(1);
      waiting.shift()?.(true);
      await Promise.all(answers);
      expect(client.link.sent).toHaveLength(2);
    });

    it.each([
      ['its connection is lost', (waiting: ((isAlive: boolean) => void)[]) => waiting.shift()?.(false)],
      [
        'its session waits for another connection',
        async (waiting: ((isAlive: boolean) => void)[]) => {
          await server.hooks.hibernationStart.run(client.session, []);
          // Its link goes on waiting.
          waiting.shift();
        },
      ],
      [
        'its session is over',
        async (waiting: ((isAlive: boolean) => void)[]) => {
          await server.disconnect(client);
          waiting.shift()?.(true);
        },
      ],
      [
        'the client takes nothing more',
        (waiting: ((isAlive: boolean) => void)[]) => {
          client.link.isFull = true;
          waiting.shift()?.(true);
        },
      ],
    ])('ends when %s, and those that wait behind it', async (_, lose) => {
      for (let id = 1; id <= 4; id++) await large(id);
      const waiting = holdUp();
      const answers = Promise.allSettled([ask(query()), ask(query())]);
      await turns();
      await lose(waiting);
      await turns();
      // A connection that is merely lost in one wait does not tell the query behind it: that one waits for itself.
      for (const go of waiting.splice(0)) go(false);
      for (const answer of await answers) {
        expect(answer).toMatchObject({ reason: { condition: 'recipient-unavailable', type: 'wait' } });
      }
      expect(client.link.sent.length).toBeLessThanOrEqual(2);
    });

    it('waits for the one that the session asked before, and not for others’', async () => {
      for (let id = 1; id <= 3; id++) await large(id);
      const other = await server.connect(`${ana}/desk`);
      const waiting = holdUp();
      const slow = ask(query().withAttrs({ queryid: 'slow' }));
      const behind = ask(query(set(rsm('max', 1))).withAttrs({ queryid: 'behind' }));
      expect(await server.askAccount(other, 'set', query(set(rsm('max', 1))))).toMatchObject({ name: 'fin' });
      await turns();
      const order = () => client.link.sent.map((stanza) => resultOf(stanza)?.attr('queryid'));
      expect(order()).toEqual(['slow']);
      while (waiting.length > 0) {
        waiting.shift()?.(true);
        await turns();
      }
      await Promise.all([slow, behind]);
      expect(order()).toEqual(['slow', 'slow', 'slow', 'behind']);
    });

    it('that is refused does not keep others from being answered', async () => {
      const ends = await Promise.allSettled([ask(query(set(rsm('after', 99)))), ask(query())]);
      expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    });

    it('lets others work between bursts', async () => {
      for (let id = 1; id <= 9; id++) await large(id);
      let others = 0;
      const count = () => {
        others++;
        timer = setImmediate(count);
      };
      let timer = setImmediate(count);
      await ask(query());
      clearImmediate(timer);
      expect(others).toBeGreaterThanOrEqual(7);
    });
  });

  it('tells the fields of a query', async () => {
    const answer = await server.askAccount(client, 'get', query());
    const x = answer?.child('x', ns.dataForms);
    expect(x?.attr('type')).toBe('form');
    const fields = x?.elements().map((one) => [one.attr('var'), one.attr('type')]);
    expect(fields).toEqual([
      ['FORM_TYPE', 'hidden'],
      ['with', 'jid-single'],
      ['start', 'text-single'],
      ['end', 'text-single'],
      ['before-id', 'text-single'],
      ['after-id', 'text-single'],
      ['ids', 'list-multi'],
      ['include-groupchat', 'boolean'],
    ]);
    const ids = x?.elements().find((one) => one.attr('var') === 'ids');
    expect(ids?.child('validate', ns.dataValidation)?.child('open')).toBeDefined();
    expect(x?.elements().some((one) => one.child('required') !== undefined)).toBe(false);
  });

  it('tells where it begins and ends', async () => {
    const metadata = () => server.askAccount(client, 'get', el('metadata', ns.archive));
    expect(await metadata()).toEqual(el('metadata', ns.archive));
    await add(1_000_500);
    await add(2_000_000);
    expect(await metadata()).toEqual(
      el(
        'metadata',
        ns.archive,
        {},
        el('start', ns.archive, { id: '1000500', timestamp: '1970-01-01T00:00:01.000Z' }),
        el('end', ns.archive, { id: '2000000', timestamp: '1970-01-01T00:00:02.000Z' }),
      ),
    );
  });

  describe('preferences', () => {
    const list = (name: string, ...jids: string[]) =>
      el(name, ns.archive, {}, ...jids.map((jid) => el('jid', ns.archive, {}, jid)));
    const prefs = (fallback: string, ...children: Element[]) =>
      el('prefs', ns.archive, { default: fallback }, ...children);
    const read = () => server.askAccount(client, 'get', el('prefs', ns.archive));

    it('are the server’s until the account has said, and then the account’s, also after a restart', async () => {
      expect(await read()).toEqual(prefs('always', list('always'), list('never')));
      const own = prefs('roster', list('always', 'ben@example.org'), list('never', 'eve@example.org/x'));
      expect(await ask(own)).toEqual(own);
      expect(await read()).toEqual(own);
      expect(account.archivePreferences?.fallback).toBe('roster');
      await server.disconnect(client);
      server.forget(ana);
      client = await server.connect(`${ana}/phone`);
      expect(await read()).toEqual(own);
    });

    it('stay as they are if they are refused, or cannot be stored', async () => {
      await expect(ask(prefs('maybe'))).rejects.toMatchObject({ condition: 'bad-request' });
      server.stores.tables.failure = new Error('disk full');
      await expect(ask(prefs('never'))).rejects.toThrow('disk full');
      server.stores.tables.failure = undefined;
      expect(account.archivePreferences).toBeUndefined();
      expect(await read()).toEqual(prefs('always', list('always'), list('never')));
    });
  });
});
