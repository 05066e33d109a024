import { beforeEach, describe, expect, it } from 'vitest';
import { FakeServer } from '../../../../tests/harness/fake-server.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { message } from '../../../xmpp/stanza.js';
import type { Account } from '../account.js';
import type { ArchivedMessage } from '../hooks.js';
import { type Archive, createArchive } from './archive.js';

const body = el('body', ns.client, {}, 'hi');
const idBy = (by: string, id = '1') => el('stanza-id', ns.stanzaIds, { by, id });
const ben = Jid.parse('ben@example.org/desk');
const chat = (...children: Element[]) =>
  message({ from: 'ben@example.org/desk', to: 'ana@example.org', type: 'chat' }, ...children);

describe('createArchive', () => {
  let server: FakeServer;
  let archive: Archive;
  let ana: Account;
  const stored = async () => {
    await archive.settled();
    return server.stores.archive.page(ana.id, {}, 100, false);
  };

  beforeEach(async () => {
    server = new FakeServer();
    ana = await server.addAccount('ana@example.org');
    archive = createArchive(server);
    await archive.start();
  });

  it('keeps a message as it came, and tells the account’s devices its id', async () => {
    const stanza = chat(body);
    const { stanza: recorded, written } = archive.record(ana, stanza, 'incoming', ben);
    expect(await written).toBe(true);
    const [kept] = await stored();
    expect(kept).toMatchObject({
      withBare: 'ben@example.org',
      withResource: 'desk',
      message: serialize(stanza),
    });
    expect(Math.floor((kept?.id ?? 0) / 1000)).toBe(server.now());
    expect(recorded).toEqual(chat(body, idBy('ana@example.org', String(kept?.id))));
    expect(server.recorded).toEqual([{ name: 'messageArchived', direction: 'incoming' }]);
  });

  it('takes away ids that others claim the account to have given, also from what it does not keep', async () => {
    const forged = [idBy('ana@example.org', '7'), idBy('ANA@example.org', '8'), idBy('muc.example', '9')];
    const { stanza } = archive.record(ana, chat(...forged, el('active', ns.chatStates)), 'incoming', ben);
    expect(stanza).toEqual(chat(idBy('muc.example', '9'), el('active', ns.chatStates)));
    archive.record(ana, chat(...forged, body), 'incoming', ben);
    expect((await stored()).map((one) => one.message)).toEqual([
      serialize(chat(idBy('muc.example', '9'), body)),
    ]);
  });

  it('leaves alone what it does not keep', async () => {
    const stanza = chat(el('active', ns.chatStates));
    expect(archive.record(ana, stanza, 'incoming', ben)).toEqual({ stanza, written: undefined });
    expect(archive.record(ana, stanza, 'incoming', ben).stanza).toBe(stanza);
    expect(await stored()).toEqual([]);
  });

  it('does what the account prefers', async () => {
    ana.archivePreferences = { fallback: 'never', always: ['ben@example.org'], never: [] };
    expect(archive.record(ana, chat(body), 'incoming', ben).written).toBeDefined();
    expect(archive.record(ana, chat(body), 'incoming', Jid.parse('eve@example.org')).written).toBeUndefined();
  });

  it('keeps what an account sends to itself once', async () => {
    const self = Jid.parse('ana@example.org/desk');
    expect(archive.record(ana, chat(body), 'outgoing', self).written).toBeUndefined();
    expect(archive.record(ana, chat(body), 'outgoing', self.bare()).written).toBeUndefined();
    expect(archive.record(ana, chat(body), 'incoming', self).written).toBeDefined();
    expect(await stored()).toHaveLength(1);
  });

  it('gives each message a higher id than all before, those of an earlier start too', async () => {
    const future = (server.now() + 86_400_000) * 1000;
    const message = { id: future, withBare: 'ben@example.org', withResource: '', message: '<message/>' };
    await server.stores.archive.add(ana.id, message);
    archive = createArchive(server);
    await archive.start();
    for (let n = 0; n < 5; n++) archive.record(ana, chat(body), 'incoming', ben);
    const ids = (await stored()).map(({ id }) => id);
    expect(ids[0]).toBe(future);
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    expect(ids).toHaveLength(6);
  });

  it('says on which side of the account a message was, and tells modules when it is on disk', async () => {
    const heard: (ArchivedMessage & { readonly isStored: boolean })[] = [];
    server.hooks.archived.on(async (account, archived) => {
      const found = await server.stores.archive.find(account.id, [Number(archived.id)]);
      heard.push({ ...archived, isStored: found.length === 1 });
    });
    const incoming = archive.record(ana, chat(body), 'incoming', ben);
    const outgoing = archive.record(ana, message({ to: 'ben@example.org' }, body), 'outgoing', ben.bare());
    await Promise.all([incoming.written, outgoing.written]);
    await archive.settled();
    expect(heard.map(({ direction, isStored }) => [direction, isStored])).toEqual([
      ['incoming', true],
      ['outgoing', true],
    ]);
    expect(heard[0]?.stanza).toBe(incoming.stanza);
    expect(idBy('ana@example.org', heard[1]?.id)).toEqual(outgoing.stanza.child('stanza-id', ns.stanzaIds));
  });

  it('says that a message could not be stored, and goes on', async () => {
    const failure = new Error('disk full');
    server.stores.tables.failure = failure;
    const { stanza, written } = archive.record(ana, chat(body), 'incoming', ben);
    expect(await written).toBe(false);
    expect(stanza.child('body')).toBe(body);
    expect(server.recorded).toEqual([{ name: 'storageFailed', what: 'archived message', error: failure }]);
    server.stores.tables.failure = undefined;
    expect(await archive.record(ana, chat(body), 'incoming', ben).written).toBe(true);
    await archive.stop();
  });

  it('does not mind a listener that fails', async () => {
    const failure = new Error('listener');
    server.hooks.archived.on(() => {
      throw failure;
    });
    expect(await archive.record(ana, chat(body), 'incoming', ben).written).toBe(true);
    expect(server.recorded).toContainEqual({
      name: 'handlerFailed',
      what: 'archived message',
      error: failure,
    });
  });

  it('does not start without its store', async () => {
    server.stores.tables.failure = new Error('gone');
    await expect(createArchive(server).start()).rejects.toThrow('gone');
  });
});
