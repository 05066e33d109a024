import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../tests/harness/fake-clock.js';
import { FakeComponentServer, streamErrorText } from '../../../tests/harness/fake-component-server.js';
import { waitFor } from '../../../tests/harness/net.js';
import { recordingEvents } from '../../../tests/harness/recording-events.js';
import { type Element, el } from '../../xmpp/element.js';
import type { IqAnswer } from '../../xmpp/iq-tracker.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import { type ComponentHost, type ComponentHostOptions, createComponentHost } from './component-host.js';

const peer = 'juliet@capulet.example/balcony';
const ping = el('ping', ns.ping);
const message = el('message', ns.client, { to: peer });

describe('the component host', () => {
  let server: FakeComponentServer;
  let clock: FakeClock;
  let host: ComponentHost;
  let recorded: ReturnType<typeof recordingEvents>['recorded'];

  function create(options: Partial<ComponentHostOptions> = {}): ComponentHost {
    const recording = recordingEvents();
    recorded = recording.recorded;
    host = createComponentHost({
      jid: Jid.parse(server.domain),
      connect: { host: '127.0.0.1', port: server.port },
      secret: server.secret,
      processId: 'p1',
      software: { name: 'Belfry', version: '1.2.3' },
      events: recording.events,
      clock,
      jitter: () => 1,
      ...options,
    });
    return host;
  }

  async function connect(options: Partial<ComponentHostOptions> = {}) {
    create(options).start();
    return connected(1);
  }

  async function connected(count: number) {
    const connection = await server.connected(count);
    await waitFor('the component to be connected', () => host.isConnected);
    return connection;
  }

  const state = (wanted: string) => waitFor(`state ${wanted}`, () => host.status.state === wanted);
  const names = () => recorded.map((event) => event.name);
  const reasons = () =>
    recorded.flatMap((event) => (event.name === 'hostDisconnected' ? [event.reason] : []));
  const deliver = (stanza: Element) => server.current.send(stanza);
  const iq = (attrs: Record<string, string>, ...children: Element[]) =>
    el('iq', ns.client, { from: peer, to: server.domain, ...attrs }, ...children);
  const sendPing = () =>
    host.sendIq({ type: 'get', to: Jid.parse(peer), payload: ping }, { timeout: 60_000 });

  beforeEach(async () => {
    clock = new FakeClock();
    server = new FakeComponentServer();
    await server.start();
  });
  afterEach(async () => {
    const stopped = host.stop();
    clock.advance(10_000);
    await stopped;
    await server.stop();
    expect(clock.pending).toEqual([]);
  });

  describe('connects', () => {
    it('and says so', async () => {
      create();
      expect(host.status).toEqual({ state: 'idle', lastFailure: undefined });
      host.start();
      expect(host.status.state).toBe('connecting');
      expect(() => host.start()).toThrow();
      await connected(1);
      expect(host.status).toEqual({ state: 'connected', lastFailure: undefined });
      expect(recorded).toEqual([{ name: 'hostConnected', domain: 'push.example.org' }]);
    });

    it('again and again, later each time, and reports a lasting reason once', async () => {
      await connect();
      await server.stop();
      await state('waiting');
      for (const delay of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
        expect(clock.pending).toEqual([delay]);
        clock.advance(delay);
        await state('waiting');
      }
      expect(names()).toEqual(['hostConnected', 'hostDisconnected', 'hostDisconnected']);
      expect(host.status.lastFailure?.kind).toBe('refused');
      await server.start();
      clock.advance(60_000);
      await connected(2);
      expect(host.status.lastFailure).toBeUndefined();
      expect(names().at(-1)).toBe('hostConnected');
    });

    it('sooner again only after a connection that lasted', async () => {
      await connect();
      server.current.socket.destroy();
      await state('waiting');
      clock.advance(1000);
      (await connected(2)).socket.destroy();
      await state('waiting');
      expect(clock.pending).toEqual([2000]);
      clock.advance(2000);
      const third = await connected(3);
      clock.advance(29_999);
      clock.advance(1);
      third.socket.destroy();
      await state('waiting');
      expect(clock.pending).toEqual([1000]);
    });

    it('not with the wrong secret, but goes on trying', async () => {
      create({ secret: 'wrong' }).start();
      await state('waiting');
      expect(recorded).toMatchObject([
        { name: 'hostDisconnected', remedy: expect.stringContaining('component.secret') },
      ]);
      expect(JSON.stringify(recorded)).not.toContain('wrong"');
      expect(await sendPing()).toEqual({ kind: 'disconnected' });
      clock.advance(1000);
      await waitFor('a second attempt', () => server.connections.length === 2);
    });
  });

  describe('loses the connection', () => {
    it('to another component of its name, and comes back', async () => {
      const connection = await connect();
      connection.socket.end(streamErrorText('conflict', 'Replaced by a new connection'));
      await state('waiting');
      expect(host.status.lastFailure).toMatchObject({ kind: 'conflict' });
      clock.advance(1000);
      await connected(2);
    });

    it('in the middle of a stanza, which then counts for nothing', async () => {
      const connection = await connect();
      let calls = 0;
      host.onIq({ type: 'set', ns: 'urn:x', name: 'x' }, () => {
        calls++;
        return undefined;
      });
      connection.socket.end(
        `<iq type='set' id='1' from='${peer}' to='push.example.org'><x xmlns='urn:x'/></i`,
      );
      await state('waiting');
      expect(calls).toBe(0);
      clock.advance(1000);
      await connected(2);
      deliver(iq({ type: 'set', id: '2' }, el('x', 'urn:x')));
      await server.current.take('the answer', (stanza) => stanza.attr('id') === '2');
      expect(calls).toBe(1);
    });

    it('over broken XML, which it calls by its name', async () => {
      const connection = await connect();
      connection.write('<iq></message>');
      await state('waiting');
      await waitFor('the end', () => connection.isClosed);
      expect(connection.text).toMatch(/<not-well-formed xmlns=.urn:ietf:params:xml:ns:xmpp-streams.\/>/);
      expect(connection.text).toMatch(/<\/stream:stream>$/);
      expect(host.status.lastFailure?.kind).toBe('invalid-xml');
      clock.advance(1000);
      await connected(2);
    });

    it('over a stanza beyond the bound', async () => {
      const connection = await connect({ limits: { stanzaBytes: 20_000 } });
      connection.write(`<message from='${peer}' to='push.example.org'><body>${'x'.repeat(30_000)}`);
      await state('waiting');
      expect(host.status.lastFailure?.kind).toBe('invalid-xml');
    });

    it('when the server closes the stream, and answers that', async () => {
      const connection = await connect();
      connection.write('</stream:stream>');
      await state('waiting');
      await waitFor('the end', () => connection.isClosed);
      expect(connection.text).toMatch(/<\/stream:stream>$/);
      expect(host.status.lastFailure?.kind).toBe('closed');
    });

    it('and ends open requests', async () => {
      const connection = await connect();
      const answer = sendPing();
      await connection.take('the ping', (stanza) => stanza.name === 'iq');
      connection.socket.destroy();
      expect(await answer).toEqual({ kind: 'disconnected' });
    });
  });

  describe('watches over the connection', () => {
    it('by a ping to itself, which it answers', async () => {
      const connection = await connect();
      for (let round = 0; round < 3; round++) {
        const before = connection.text.length;
        clock.advance(31_000);
        await waitFor('request and answer', () => {
          const sent = connection.text.slice(before);
          return sent.includes('urn:xmpp:ping') && /<iq [^>]*type=.result/.test(sent);
        });
        await waitFor('the answer, after which no request is open', () => {
          clock.advance(10);
          return clock.pending.length === 1;
        });
      }
      clock.advance(20_000);
      expect(host.isConnected).toBe(true);
      expect(reasons()).toEqual([]);
      expect(names()).toEqual(['hostConnected']);
    });

    it('and drops it when the server stops answering', async () => {
      const connection = await connect();
      connection.isCarryingBack = false;
      clock.advance(50_000);
      expect(host.status).toMatchObject({ state: 'waiting', lastFailure: { kind: 'silent' } });
      expect(reasons()).toEqual([expect.stringContaining('stopped answering')]);
      clock.advance(1000);
      await connected(2);
    });

    it('and takes white space for life', async () => {
      const connection = await connect();
      connection.isCarryingBack = false;
      clock.advance(30_000);
      let heard = false;
      host.onPresence(() => {
        heard = true;
      });
      connection.write(' ');
      deliver(el('presence', ns.client, { from: peer, to: server.domain }));
      await waitFor('the white space and what follows', () => heard);
      clock.advance(20_000);
      expect(host.isConnected).toBe(true);
    });
  });

  describe('sends', () => {
    it('stanzas in the namespace of the stream', async () => {
      const connection = await connect();
      host.send(message);
      void sendPing();
      await connection.take('the ping', (stanza) => stanza.name === 'iq');
      expect(connection.text).not.toContain(ns.client);
      expect(connection.text).toMatch(/<message[^>]*\/?><iq /);
      expect(connection.text).toMatch(/id=["']p1-/);
    });

    it('nothing without an address, or from elsewhere', async () => {
      await connect();
      expect(() => host.send(el('message', ns.client))).toThrow();
      expect(() => host.send(message.withAttrs({ from: 'elsewhere.example' }))).toThrow();
      expect(host.send(message.withAttrs({ from: 'somebody@push.example.org' }))).toBe(true);
    });

    it('no more than its queue holds while the server does not read', async () => {
      const connection = await connect({ limits: { writeQueueBytes: 1_000_000 } });
      connection.socket.pause();
      const body = el('x', 'urn:x', {}, 'x'.repeat(100_000));
      const ask = () => host.sendIq({ type: 'set', to: Jid.parse(peer), payload: body }, { timeout: 60_000 });
      let overflow: IqAnswer | undefined;
      for (let count = 0; count < 2000 && overflow === undefined; count++) {
        void ask().then((answer) => {
          overflow ??= answer;
        });
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(overflow).toEqual({ kind: 'overflow' });
      expect(host.send(message.withChildren([body]))).toBe(false);
      connection.socket.resume();
      await waitFor('room in the queue', () => host.send(message));
    });

    it('no more requests than may be open', async () => {
      await connect({ limits: { openRequests: 2 } });
      void sendPing();
      void sendPing();
      expect(await sendPing()).toEqual({ kind: 'overflow' });
    });

    it('nothing in answer to what it did not ask, and reports that', async () => {
      const connection = await connect();
      deliver(iq({ type: 'result', id: 'p2-AAAA' }));
      deliver(iq({ type: 'error', id: 'x' }, new StanzaError('gone').toElement()));
      await waitFor('both', () => names().filter((name) => name === 'iqAnswerIgnored').length === 2);
      expect(recorded.at(-1)).toEqual({
        name: 'iqAnswerIgnored',
        domain: 'push.example.org',
        from: 'juliet@capulet.example',
        reason: 'other-process',
      });
      expect(connection.stanzas).toEqual([]);
    });
  });

  describe('receives', () => {
    /** What is sent in answer to these, up to the answer to a ping after them. */
    async function answersTo(...stanzas: Element[]): Promise<Element[]> {
      for (const stanza of stanzas) deliver(stanza);
      deliver(iq({ type: 'get', id: 'fence' }, ping));
      await waitFor('the fence', () => server.current.stanzas.some((sent) => sent.attr('id') === 'fence'));
      return server.current.stanzas.filter((sent) => sent.attr('id') !== 'fence');
    }

    it('nothing from or for nobody', async () => {
      await connect();
      const request = iq({ type: 'get', id: '1' }, ping);
      const answers = await answersTo(
        request.withAttrs({ from: undefined }),
        request.withAttrs({ to: undefined }),
        request.withAttrs({ to: '/' }),
        el('note', 'urn:example'),
      );
      expect(answers).toEqual([]);
      expect(host.isConnected).toBe(true);
    });

    it('a request from an address that is none with an error, and reports that', async () => {
      await connect();
      const answers = await answersTo(iq({ type: 'get', id: '1', from: 'a@b@c' }, ping));
      expect(answers.map((answer) => [answer.attr('to'), StanzaError.fromStanza(answer).condition])).toEqual([
        ['a@b@c', 'jid-malformed'],
      ]);
      expect(names()).toContain('stanzaDropped');
    });

    it('nothing that a stranger made too complex, and stays connected', async () => {
      const connection = await connect();
      const attrs = Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`a${n}`, '']));
      const nested = Array.from({ length: 80 }).reduce<Element>(
        (inner) => el('x', 'u:x', {}, inner),
        el('y', 'u:x'),
      );
      const answers = await answersTo(
        message.withChildren([el('x', 'u:x', attrs)]),
        message.withChildren([nested]),
        message.withChildren([el('n'.repeat(300), 'u:x')]),
        iq({ type: 'set', id: '1' }, el('x', 'u:x', attrs)),
      );
      connection.socket.write("<message from='a@b' to='push.example.org'><p:x/><q>&amp;</q></message>");
      deliver(iq({ type: 'get', id: 'after' }, ping));
      await waitFor('the answer', () => server.current.stanzas.some((sent) => sent.attr('id') === 'after'));
      expect(answers.map((answer) => [answer.attr('id'), StanzaError.fromStanza(answer).condition])).toEqual([
        ['1', 'policy-violation'],
      ]);
      expect(names().filter((name) => name === 'stanzaDropped')).toHaveLength(5);
      expect(names()).not.toContain('hostDisconnected');
    });

    it('nothing for another domain, and reports that', async () => {
      await connect();
      expect(await answersTo(iq({ type: 'get', id: '1', to: 'a@other.example/b' }, ping))).toEqual([]);
      expect(recorded.at(-1)).toEqual({
        name: 'stanzaMisrouted',
        domain: 'push.example.org',
        to: 'other.example',
      });
    });

    it('requests for addresses where nobody is', async () => {
      await connect();
      const answers = await answersTo(
        iq({ type: 'get', id: '1', to: 'romeo@push.example.org' }, ping),
        iq({ type: 'get', id: '2', to: 'push.example.org/x' }, ping),
        iq({ type: 'set', id: '3', to: 'romeo@push.example.org/x' }, el('x', 'urn:x')),
      );
      expect(
        answers.map((answer) => [answer.attr('from'), StanzaError.fromStanza(answer).condition]),
      ).toEqual([
        ['romeo@push.example.org', 'service-unavailable'],
        ['push.example.org/x', 'service-unavailable'],
        ['romeo@push.example.org/x', 'service-unavailable'],
      ]);
    });

    it('presence for nobody without a word to services', async () => {
      await connect();
      let heard = 0;
      host.onPresence(() => heard++);
      const presence = { from: peer, to: 'romeo@push.example.org' };
      const answers = await answersTo(
        el('presence', ns.client, presence),
        el('presence', ns.client, { ...presence, type: 'unsubscribed' }),
        el('presence', ns.client, { ...presence, type: 'probe' }),
      );
      expect(answers.map((answer) => answer.attrs)).toEqual([
        { type: 'unsubscribed', from: 'romeo@push.example.org', to: 'juliet@capulet.example' },
      ]);
      expect(heard).toBe(0);
    });

    it('no more requests than may be at work', async () => {
      await connect({ limits: { handlersUnderWay: 2 } });
      const finish: (() => void)[] = [];
      host.onIq(
        { type: 'set', ns: 'urn:x', name: 'x' },
        () => new Promise((resolve) => finish.push(() => resolve(undefined))),
      );
      const request = (id: string) => iq({ type: 'set', id }, el('x', 'urn:x'));
      const [refusal] = await answersTo(request('1'), request('2'), request('3'));
      expect(refusal && StanzaError.fromStanza(refusal)).toMatchObject({
        condition: 'resource-constraint',
        type: 'wait',
      });
      expect(refusal?.attr('id')).toBe('3');
      for (const end of finish) end();
      await waitFor('the answers', () => server.current.stanzas.some((sent) => sent.attr('id') === '2'));
      deliver(request('4'));
      await waitFor('the fourth', () => finish.length === 3);
    });
  });

  describe('stops', () => {
    it('in good order', async () => {
      const connection = await connect();
      const answer = sendPing();
      host.send(message);
      await host.stop();
      expect(await answer).toEqual({ kind: 'disconnected' });
      expect(host.status.state).toBe('stopped');
      await waitFor('the end', () => connection.isClosed);
      expect(connection.text).toMatch(/<message[^>]*\/?><\/stream:stream>$/);
      expect(names()).toEqual(['hostConnected']);
    });

    /** Somebody whom the host is about to answer: when `finish` is called, or never. */
    async function beingAsked() {
      const connection = await connect();
      let finish = () => {};
      const handler = () => new Promise<undefined>((resolve) => (finish = () => resolve(undefined)));
      host.onIq({ type: 'set', ns: 'urn:x', name: 'x' }, handler);
      const ask = (id: string) => deliver(iq({ type: 'set', id }, el('x', 'urn:x')));
      const before = finish;
      ask('early');
      await waitFor('the request', () => finish !== before);
      return { connection, ask, finish };
    }

    it('when what handlers were at work on is answered, and begins with nothing else', async () => {
      const { connection, ask, finish } = await beingAsked();
      const stopped = host.stop();
      ask('late');
      const refusal = await connection.take('the refusal', (sent) => sent.attr('id') === 'late');
      expect(StanzaError.fromStanza(refusal)).toMatchObject({
        condition: 'service-unavailable',
        type: 'wait',
      });
      finish();
      await stopped;
      expect(connection.text).toMatch(/<iq type='result' id='early'[^>]*\/?><\/stream:stream>$/);
    });

    it('within a bound if a handler does not answer', async () => {
      const { connection } = await beingAsked();
      const stopped = host.stop();
      clock.advance(2000);
      await waitFor('the end', () => connection.isClosed);
      await stopped;
      expect(connection.text).toMatch(/<\/stream:stream>$/);
    });

    it('at once if nobody is there to hear what a handler will answer', async () => {
      await beingAsked();
      await server.stop();
      await state('waiting');
      await host.stop();
    });

    it('within a bound if the server does not', async () => {
      const connection = await connect();
      connection.socket.pause();
      const stopped = host.stop();
      expect(host.isConnected).toBe(false);
      clock.advance(2000);
      await stopped;
    });

    it('while it waits and while it connects', async () => {
      create({ secret: 'wrong' }).start();
      await state('waiting');
      clock.advance(1000);
      expect(host.status.state).toBe('connecting');
      await host.stop();
      await host.stop();
      expect(host.status.state).toBe('stopped');
      clock.advance(100_000);
      expect(host.status.state).toBe('stopped');
    });
  });
});
