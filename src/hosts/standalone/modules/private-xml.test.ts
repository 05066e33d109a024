import { beforeEach, describe, expect, it } from 'vitest';
import { type FakeClient, FakeServer } from '../../../../tests/harness/fake-server.js';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { accountLimits } from '../settings.js';
import { privateXml } from './private-xml.js';

const query = (...children: Element[]) => el('query', ns.privateXml, {}, ...children);
const bookmarks = el('storage', 'storage:bookmarks', {}, el('url', 'storage:bookmarks', { name: 'a' }));

describe('private-xml', () => {
  let server: FakeServer;
  let client: FakeClient;
  const get = (...children: Element[]) => server.askAccount(client, 'get', query(...children));
  const set = (...children: Element[]) => server.askAccount(client, 'set', query(...children));

  beforeEach(async () => {
    server = new FakeServer();
    privateXml.setup(server);
    await server.addAccount('ana@example.org');
    client = await server.connect('ana@example.org/phone');
  });

  it('gives back what was stored, by name and namespace', async () => {
    const prefs = el('storage', 'other:prefs', {}, 'x');
    expect(await set(bookmarks, prefs)).toBeUndefined();
    expect(await get(el('storage', 'storage:bookmarks'))).toEqual(query(bookmarks));
    expect(await get(el('storage', 'other:prefs'))).toEqual(query(prefs));
  });

  it('gives back what was asked for if nothing is stored', async () => {
    expect(await get(el('storage', 'storage:bookmarks'))).toEqual(query(el('storage', 'storage:bookmarks')));
  });

  it('forgets what is replaced by an empty element', async () => {
    await set(bookmarks);
    await set(el('storage', 'storage:bookmarks'));
    expect(await get(el('storage', 'storage:bookmarks'))).toEqual(query(el('storage', 'storage:bookmarks')));
  });

  it.each([
    ['no element', []],
    ['two elements', [el('a', 'x:a'), el('b', 'x:b')]],
    ['a reserved namespace', [el('query', 'jabber:iq:roster')]],
    ['its own namespace', [el('a', ns.privateXml)]],
    ['another reserved one', [el('a', 'http://jabber.org/protocol/muc')]],
    ['the vCard', [el('vCard', 'vcard-temp')]],
    ['no namespace', [el('a', '')]],
  ])('is not asked for %s', async (_, children) => {
    await expect(get(...children)).rejects.toMatchObject({ condition: 'not-acceptable', type: 'modify' });
  });

  it.each([
    ['nothing', []],
    ['a reserved namespace among others', [bookmarks, el('query', 'jabber:iq:roster', {}, 'x')]],
  ])('does not store %s', async (_, children) => {
    await expect(set(...children)).rejects.toMatchObject({ condition: 'not-acceptable' });
    expect(await get(el('storage', 'storage:bookmarks'))).toEqual(query(el('storage', 'storage:bookmarks')));
  });

  it('takes no element that is too large', async () => {
    const large = el('a', 'x:a', {}, 'x'.repeat(accountLimits.documentBytes));
    await expect(set(large)).rejects.toMatchObject({ condition: 'policy-violation' });
  });

  it('has a bound, beyond which what is there can still be replaced', async () => {
    const numbered = (at: number, text: string) => el('a', `x:${at}`, {}, text);
    for (let at = 0; at < accountLimits.privateDocuments; at++) await set(numbered(at, 'x'));
    const one = set(numbered(accountLimits.privateDocuments, 'x'));
    await expect(one).rejects.toMatchObject({ condition: 'resource-constraint' });
    await set(numbered(0, 'y'));
    expect(await get(el('a', 'x:0'))).toEqual(query(numbered(0, 'y')));
  });

  it("is the owner's alone, and advertised", () => {
    for (const type of ['get', 'set'] as const) {
      expect(server.audienceOf({ type, ns: ns.privateXml, name: 'query' })).toBe('owner');
    }
    expect(server.advertised).toEqual([{ features: [ns.privateXml] }]);
  });
});
