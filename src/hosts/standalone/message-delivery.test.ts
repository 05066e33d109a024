import { beforeEach, describe, expect, it } from 'vitest';
import { type CoreClient, conditionOf, EmbeddedCore } from '../../../tests/harness/embedded-core.js';
import { type Element, el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { Archiving } from './archive/archiving.js';

const ben = 'ben@example.org';
const body = el('body', ns.client, {}, 'hi');
const message = (to: string, type?: string, id = 'm') => el('message', ns.client, { to, type, id }, body);
const settled = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** An archive that keeps what `keeps` says, and is done with it when the test says so. */
class FakeArchive implements Archiving {
  /** `ana incoming ben@example.org/pc m` */
  readonly recorded: string[] = [];
  keeps = true;
  readonly #open: ((isWritten: boolean) => void)[] = [];

  record(...[account, stanza, direction, other]: Parameters<Archiving['record']>) {
    this.recorded.push(`${account.jid.local} ${direction} ${other} ${stanza.attr('id')}`);
    if (!this.keeps) return { stanza, written: undefined };
    const id = el('stanza-id', ns.stanzaIds, {
      by: account.jid.toString(),
      id: String(this.recorded.length),
    });
    const written = new Promise<boolean>((resolve) => void this.#open.push(resolve));
    return { stanza: stanza.withChildren([...stanza.children, id]), written };
  }

  write(isWritten = true): void {
    for (const tell of this.#open.splice(0)) tell(isWritten);
  }
}

describe('messages on their way', () => {
  let server: EmbeddedCore;
  let archive: FakeArchive;
  let ana: CoreClient;
  let pc: CoreClient;
  /** What was offered to the offline store. */
  let offered: Element[];
  let offlineAnswer: 'stored' | 'dropped' | 'refused';

  beforeEach(async () => {
    server = new EmbeddedCore();
    archive = new FakeArchive();
    server.core.setArchiving(archive);
    offered = [];
    offlineAnswer = 'stored';
    server.core.server.hooks.offlineMessage.on((_, stanza) => {
      offered.push(stanza);
      return offlineAnswer;
    });
    ana = await server.connect('ana@example.org/phone');
    pc = (await server.connect(`${ben}/pc`)).available();
  });

  const idsOf = (stanza: Element) =>
    stanza
      .elements()
      .filter((child) => child.is('stanza-id', ns.stanzaIds))
      .map((child) => child.attr('by'));

  /** Says it, with an archive that has everything on disk a moment later, or could not write it. */
  async function say(client: CoreClient, stanza: Element, isWritten = true): Promise<void> {
    let isDone = false;
    const done = client.say(stanza).finally(() => {
      isDone = true;
    });
    for (let turn = 0; turn < 10 && !isDone; turn++) {
      await settled();
      archive.write(isWritten);
    }
    await done;
  }

  describe('through the archives', () => {
    it.each([`${ben}/pc`, ben])(
      'to %s are there at once, and done when both have them on disk',
      async (to) => {
        let isDone = false;
        const done = ana.say(message(to, 'chat')).then(() => {
          isDone = true;
        });
        expect(pc.got()).toEqual(['message:chat:m']);
        await settled();
        expect(isDone).toBe(false);
        archive.write();
        await done;
        expect(archive.recorded).toEqual([`ana outgoing ${to} m`, 'ben incoming ana@example.org/phone m']);
      },
    );

    it('have the id of the account that has them, and no other', async () => {
      await say(ana, message(`${ben}/pc`, 'chat'));
      expect(idsOf(pc.only())).toEqual([ben]);
      await say(ana, message(`${ben}/gone`, 'chat'));
      expect(idsOf(pc.only())).toEqual([ben]);
      pc.session.presence = undefined;
      await say(ana, message(ben, 'chat'));
      expect(offered.map(idsOf)).toEqual([[ben]]);
    });

    it('are done at once if neither keeps them', async () => {
      archive.keeps = false;
      expect(server.core.entrance.receive(ana.session, message(`${ben}/pc`, 'chat'))).toBeUndefined();
      expect(server.core.entrance.receive(ana.session, message(ben, 'chat'))).toBeUndefined();
      expect(pc.got()).toHaveLength(2);
    });

    it.each([
      ['chat', `${ben}/pc`],
      ['chat', `${ben}/gone`],
      ['error', `${ben}/gone`],
      ['headline', ben],
      [undefined, ben],
    ])('are received, of type %s, by %s', async (type, to) => {
      await say(ana, message(to, type));
      expect(archive.recorded.filter((one) => one.startsWith('ben'))).toHaveLength(1);
    });

    it.each([
      ['groupchat', ben],
      ['normal', `${ben}/gone`],
    ])('are not received if they are returned, of type %s, by %s', async (type, to) => {
      await say(ana, message(to, type));
      expect(archive.recorded.filter((one) => one.startsWith('ben'))).toEqual([]);
      expect(conditionOf(ana.only())).toBe('service-unavailable');
    });

    it('are not received if a module has something against it', async () => {
      server.core.server.hooks.incoming.on((account, stanza) => {
        if (account.jid.local !== 'ben') return undefined;
        return stanza.attr('id') === 'drop' ? 'drop' : new StanzaError('not-allowed');
      });
      for (const to of [ben, `${ben}/pc`]) {
        await say(ana, message(to, 'chat'));
        await say(ana, message(to, 'chat', 'drop'));
      }
      expect(archive.recorded.filter((one) => one.startsWith('ben'))).toEqual([]);
      expect(pc.got()).toEqual([]);
    });

    it('that an account sends to itself are received once, and not sent', async () => {
      for (const to of ['ana@example.org', 'ana@example.org/phone', 'ana@example.org/gone']) {
        await say(ana.available(), message(to, 'chat', to));
        expect(ana.got()).toEqual([`message:chat:${to}`]);
      }
      await say(ana, el('message', ns.client, { type: 'chat', id: 'm' }, body));
      expect(archive.recorded.map((one) => one.split(' ')[1])).toEqual(
        Array.from({ length: 4 }, () => 'incoming'),
      );
    });

    it('from others are received alone, those for others sent alone', async () => {
      const from = 'eve@example.com/x';
      const done = server.core.server.route(message(`${ben}/pc`, 'chat').withAttrs({ from }));
      archive.write();
      await done;
      await say(ana, message('eve@example.com', 'chat', 'away'));
      expect(archive.recorded).toEqual([
        `ben incoming ${from} m`,
        'ana outgoing eve@example.com away',
        // What became of it.
        'ana incoming eve@example.com away',
      ]);
    });

    it('are received once, whatever happens to the session', async () => {
      await say(ana, message(`${ben}/pc`, 'chat'));
      archive.recorded.splice(0);
      await pc.lose(...pc.link.take());
      expect(archive.recorded).toEqual([]);
      expect(offered.map(idsOf)).toEqual([[ben]]);
    });

    it('are for the account if their session does not get them, whatever their type', async () => {
      for (const type of ['chat', 'normal', undefined]) {
        await say(ana, message(`${ben}/pc`, type, `${type}`));
      }
      await pc.lose(...pc.link.take());
      expect(offered.map((stanza) => stanza.attr('id'))).toEqual(['chat', 'normal', 'undefined']);
      expect(ana.got()).toEqual([]);
    });

    it('survive an archive that fails', async () => {
      server.core.setArchiving({
        record: () => {
          throw new Error('flaw');
        },
      });
      await ana.say(message(`${ben}/pc`, 'chat'));
      expect(server.failures).toContain('routing message');
    });
  });

  describe('are told of', () => {
    let received: Element[];
    let ofRooms: string[];

    beforeEach(() => {
      received = [];
      ofRooms = [];
      const { hooks } = server.core.server;
      hooks.received.on((account, stanza) => {
        if (account.jid.local === 'ben') received.push(stanza);
      });
      hooks.roomMessage.on((to, stanza) => void ofRooms.push(`${to} ${stanza.attr('id')}`));
    });

    it('as their archive has made them, and as sessions and the store have them', async () => {
      await say(ana, message(`${ben}/pc`, 'chat'));
      expect(received).toEqual([pc.only()]);
      expect(received.map(idsOf)).toEqual([[ben]]);
      pc.session.presence = undefined;
      await say(ana, message(ben, 'chat'));
      expect(received[1]).toBe(offered[0]);
    });

    it('before a session has them', async () => {
      const seen: number[] = [];
      server.core.server.hooks.received.on(() => void seen.push(pc.link.sent.length));
      await say(ana, message(`${ben}/pc`, 'chat'));
      expect(seen).toEqual([0]);
    });

    it('even if nothing keeps them', async () => {
      archive.keeps = false;
      offlineAnswer = 'refused';
      pc.session.presence = undefined;
      await ana.say(message(ben, 'chat'));
      await ana.say(message(`${ben}/gone`, 'error'));
      expect(received.map((stanza) => stanza.attr('type'))).toEqual(['chat', 'error']);
    });

    it('as those of rooms, if they go back', async () => {
      archive.keeps = false;
      await ana.say(message(ben, 'groupchat', '1'));
      await ana.say(message(`${ben}/gone`, 'groupchat', '2'));
      await ana.say(message(`${ben}/pc`, 'groupchat', '3'));
      expect(ofRooms).toEqual([`${ben} 1`, `${ben}/gone 2`]);
      pc.link.isFull = true;
      await ana.say(message(`${ben}/pc`, 'groupchat', '4'));
      await pc.lose(...pc.link.take());
      expect(ofRooms.slice(2)).toEqual([`${ben}/pc 4`, `${ben}/pc 3`]);
      expect(ana.got()).toHaveLength(4);
      expect(received.map((stanza) => stanza.attr('id'))).toEqual(['3', '4']);
    });

    it('while listeners fail', async () => {
      const { hooks } = server.core.server;
      const fail = () => {
        throw new Error('flaw');
      };
      hooks.received.on(fail);
      hooks.roomMessage.on(fail);
      archive.keeps = false;
      await ana.say(message(`${ben}/pc`, 'chat'));
      await ana.say(message(ben, 'groupchat', '2'));
      expect(pc.got()).toEqual(['message:chat:m']);
      expect(conditionOf(ana.only())).toBe('service-unavailable');
      expect(server.failures).toEqual(['received message', 'message of a room', 'received message']);
    });
  });

  describe('that no session takes', () => {
    beforeEach(() => {
      pc.session.presence = undefined;
    });

    it('have arrived if the archive has them, though there is no other room', async () => {
      offlineAnswer = 'refused';
      await say(ana, message(ben, 'chat'));
      expect(ana.got()).toEqual([]);
    });

    it('go back if neither has them', async () => {
      offlineAnswer = 'refused';
      await say(ana, message(ben, 'chat'), false);
      expect(conditionOf(ana.only())).toBe('service-unavailable');
      archive.keeps = false;
      await ana.say(message(ben, 'chat'));
      expect(conditionOf(ana.only())).toBe('service-unavailable');
    });

    it.each(['at once', 'later'])(
      'go back if a lost session had them, and neither could write them %s',
      async (when) => {
        offlineAnswer = 'refused';
        const said = ana.say(message(`${ben}/pc`, 'chat'));
        if (when === 'at once') {
          archive.write(false);
          await said;
        }
        const lost = pc.lose(...pc.link.take());
        await settled();
        archive.write(false);
        await settled();
        // What goes back is archived too.
        archive.write();
        await Promise.all([said, lost]);
        expect(conditionOf(ana.only())).toBe('service-unavailable');
      },
    );

    it('go back if a full session does not take them and no archive keeps them', async () => {
      pc.link.isFull = true;
      await say(ana, message(`${ben}/pc`, 'normal'));
      expect(ana.got()).toEqual([]);
      archive.keeps = false;
      await ana.say(message(`${ben}/pc`, 'normal'));
      expect(conditionOf(ana.only())).toBe('service-unavailable');
    });
  });

  it('do not overtake those that wait for the account', async () => {
    archive.keeps = false;
    let finish = () => {};
    const busy = server.core.server.accounts.with(
      Jid.parse(ben),
      () => new Promise<void>((resolve) => (finish = resolve)),
    );
    const said = [
      ana.say(message(ben, 'chat', '1')),
      ana.say(message(`${ben}/pc`, 'chat', '2')),
      ana.say(message(ben, 'chat', '3')),
    ];
    expect(pc.got()).toEqual([]);
    finish();
    await Promise.all([busy, ...said]);
    expect(pc.got()).toEqual(['message:chat:1', 'message:chat:2', 'message:chat:3']);
  });

  it('do not hold the account while they are written', async () => {
    pc.session.presence = undefined;
    const done = [ana.say(message(ben, 'chat', '1')), ana.say(message(ben, 'chat', '2'))];
    await settled();
    expect(offered.map((stanza) => stanza.attr('id'))).toEqual(['1', '2']);
    archive.write();
    await Promise.all(done);
  });
});
