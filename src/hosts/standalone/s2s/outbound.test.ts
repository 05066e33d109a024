import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { ConnectingHandler, ReadyStream } from './connecting.js';
import type { StreamFailure } from './context.js';
import { Outbound, type OutboundLimits } from './outbound.js';

const unreachable: StreamFailure = { condition: 'remote-server-not-found', reason: 'No way.', isFinal: true };
const from = (sender: string, to: string) => stanza('message', to, { from: sender });
const stanza = (name: string, to: string, attrs: Readonly<Record<string, string>> = {}) =>
  el(name, ns.client, { from: 'ana@example.org/here', to, id: to, ...attrs });

class FakeStream implements ReadyStream {
  readonly remoteAddress = '192.0.2.1';
  readonly sent: string[] = [];
  unsent: Element[] = [];
  isPermitted = true;
  isEnded = false;

  send(sent: Element): boolean {
    this.sent.push(sent.attr('to') ?? '');
    return true;
  }

  verify(): Promise<'valid'> {
    return Promise.resolve('valid');
  }

  end(): void {
    this.isEnded = true;
  }
}

function createWorld(limits: Partial<OutboundLimits> = {}) {
  const clock = new FakeClock();
  const { events, recorded } = recordingEvents();
  const attempts = new Map<string, ConnectingHandler>();
  const routed: Element[] = [];
  const blocked = ['blocked.example'];
  const outbound = new Outbound({
    ...{ events, clock, random: () => 1, address: Jid.tryParse },
    connect({ local, remote }, _purpose, handler) {
      attempts.set(`${local} ${remote}`, handler);
      return { cancel: () => undefined };
    },
    mayTalk: (domain) => !blocked.includes(domain),
    route: (reply) => void routed.push(reply),
    limits: {
      ...{ stanzas: 5, bytes: 10_000, firstRest: 5_000, longestRest: 20_000, pairs: 10, drain: 2_000 },
      ...limits,
    },
  });
  const to = (remote: string) => {
    const handler = attempts.get(`example.org ${remote}`);
    if (handler === undefined) throw new Error(`nothing was tried for ${remote}`);
    return handler;
  };
  const open = (remote: string) => {
    const stream = new FakeStream();
    to(remote).onReady(stream);
    return stream;
  };
  const errors = () =>
    routed
      .splice(0)
      .map((reply) => [
        reply.name,
        reply.attr('from'),
        reply.attr('to'),
        StanzaError.fromStanza(reply).message,
      ]);
  return { outbound, clock, blocked, attempts, recorded, to, open, errors };
}

describe('what cannot be delivered', () => {
  it('comes back as an error to its sender, with the reason', () => {
    const { outbound, to, errors } = createWorld();
    outbound.send(stanza('message', 'ben@example.net'));
    outbound.send(stanza('iq', 'example.net', { type: 'get' }));
    to('example.net').onFailed(unreachable);
    const text = 'remote-server-not-found: No way.';
    expect(errors()).toEqual([
      ['message', 'ben@example.net', 'ana@example.org/here', text],
      ['iq', 'example.net', 'ana@example.org/here', text],
    ]);
  });

  it('does not come back if nobody may answer it, or nobody waits for that', () => {
    const { outbound, to, errors } = createWorld();
    outbound.send(stanza('message', 'ben@example.net', { type: 'error' }));
    outbound.send(stanza('iq', 'example.net', { type: 'result' }));
    outbound.send(stanza('iq', 'example.net', { type: 'error' }));
    outbound.send(stanza('presence', 'ben@example.net'));
    outbound.send(stanza('presence', 'ben@example.net', { type: 'subscribe' }));
    to('example.net').onFailed(unreachable);
    expect(errors()).toEqual([]);
  });

  it('is for a domain that the operator does not talk with', () => {
    const { outbound, attempts, errors } = createWorld();
    outbound.send(stanza('message', 'ben@blocked.example'));
    expect(errors()[0]?.[3]).toMatch(/^not-allowed: /);
    expect(attempts.size).toBe(0);
  });
});

describe('pairs of domains', () => {
  it('have a connection each', () => {
    const { outbound, attempts } = createWorld();
    for (const from of ['ana@example.org', 'push.example.org'])
      for (const to of ['ben@example.net/x', 'chat.example.net'])
        outbound.send(el('message', ns.client, { from, to }));
    expect([...attempts.keys()]).toEqual([
      ...['example.org example.net', 'example.org chat.example.net'],
      ...['push.example.org example.net', 'push.example.org chat.example.net'],
    ]);
  });

  it('make room for others, what is least needed first', () => {
    const { outbound, attempts, to, open, errors } = createWorld({ pairs: 3 });
    for (const name of ['failed.example', 'open.example', 'waiting.example'])
      outbound.send(stanza('message', name));
    to('failed.example').onFailed(unreachable);
    const stream = open('open.example');
    expect(errors()).toHaveLength(1);

    outbound.send(stanza('message', 'one.example'));
    expect([attempts.has('example.org one.example'), stream.isEnded]).toEqual([true, false]);
    outbound.send(stanza('message', 'two.example'));
    expect([attempts.has('example.org two.example'), stream.isEnded]).toEqual([true, true]);
    outbound.send(stanza('message', 'three.example'));
    expect(attempts.has('example.org three.example')).toBe(false);
    expect(errors()[0]?.[3]).toMatch(/^resource-constraint: /);
  });

  it('make room with what those wait for who write to most servers, and for nobody who does so himself', () => {
    const { outbound, attempts, errors } = createWorld({ pairs: 4 });
    for (const name of ['one', 'two', 'three'])
      outbound.send(from('eve@example.org/here', `${name}.example`));
    outbound.send(from('ana@example.org/here', 'four.example'));
    outbound.send(from('ana@example.org/there', 'five.example'));
    expect(errors()).toEqual([
      ['message', 'one.example', 'eve@example.org/here', expect.stringMatching(/^resource-constraint: /)],
    ]);
    for (const sender of ['eve@example.org/away', 'ana@example.org/here'])
      outbound.send(from(sender, 'six.example'));
    expect(errors().map(([, , to]) => to)).toEqual(['eve@example.org/away', 'ana@example.org/here']);
    expect([...attempts.keys()].at(-1)).toBe('example.org five.example');
  });

  it('make room with the connection that was not used for longest', () => {
    const { outbound, clock, open } = createWorld({ pairs: 2 });
    const streams = ['one.example', 'two.example'].map((name) => {
      outbound.send(stanza('message', name));
      clock.advance(1);
      return open(name);
    });
    outbound.send(stanza('message', 'one.example'));
    outbound.send(stanza('message', 'three.example'));
    expect(streams.map(({ isEnded }) => isEnded)).toEqual([false, true]);
  });
});

describe('streams of other servers that take stanzas', () => {
  const pair = { local: 'example.org', remote: 'example.net' };

  it('are used for their pair alone', () => {
    const { outbound, attempts } = createWorld();
    const stream = new FakeStream();
    outbound.offer(pair, stream);
    outbound.send(stanza('message', 'ben@example.net'));
    outbound.send(stanza('message', 'ben@example.com'));
    expect([stream.sent, [...attempts.keys()]]).toEqual([['ben@example.net'], ['example.org example.com']]);
  });

  it('hand back what they did not send of their pair', () => {
    const { outbound, attempts, open } = createWorld();
    const stream = new FakeStream();
    outbound.offer(pair, stream);
    stream.unsent = [stanza('message', 'ben@example.net'), stanza('message', 'ben@example.com')];
    outbound.withdraw(pair, stream);
    expect([...attempts.keys()]).toEqual(['example.org example.net']);
    expect(open('example.net').sent).toEqual(['ben@example.net']);
  });

  it('lose nothing if their pair had to make room', () => {
    const { outbound, errors } = createWorld({ pairs: 1 });
    const stream = new FakeStream();
    outbound.offer(pair, stream);
    outbound.send(stanza('message', 'ben@example.com'));
    stream.unsent = [stanza('message', 'ben@example.net')];
    outbound.withdraw(pair, stream);
    expect(errors()).toEqual([
      ['message', 'ben@example.net', 'ana@example.org/here', expect.stringMatching(/^remote-server-timeout/)],
    ]);
  });
});

describe('rules that have changed', () => {
  it('end what goes to a domain that is not talked with any more', () => {
    const { outbound, blocked, open, errors } = createWorld();
    for (const name of ['open.example', 'waiting.example', 'other.example'])
      outbound.send(stanza('message', name));
    const [stream, other] = [open('open.example'), open('other.example')];
    blocked.push('open.example', 'waiting.example');
    outbound.obey();
    expect([stream.isEnded, other.isEnded]).toEqual([true, false]);
    expect(errors()).toEqual([
      ['message', 'waiting.example', 'ana@example.org/here', expect.stringMatching(/^not-allowed: /)],
    ]);
  });

  it('end a connection that they do not permit, and what it did not carry away goes on another', () => {
    const { outbound, open, to } = createWorld();
    outbound.send(stanza('message', 'example.net'));
    const stream = open('example.net');
    stream.isPermitted = false;
    outbound.obey();
    expect(stream.isEnded).toBe(true);
    stream.unsent = [stanza('message', 'example.net')];
    to('example.net').onClosed(stream, undefined);
    expect(open('example.net').sent).toEqual(['example.net']);
  });
});

it('tries again when the other server has come', () => {
  const { outbound, attempts, to } = createWorld();
  outbound.send(stanza('message', 'ben@example.net'));
  outbound.send(stanza('message', 'ben@ample.net'));
  for (const name of ['example.net', 'ample.net']) to(name).onFailed(unreachable);
  attempts.clear();
  outbound.forgive('ample.net');
  outbound.send(stanza('message', 'ben@example.net'));
  outbound.send(stanza('message', 'ben@ample.net'));
  expect([...attempts.keys()]).toEqual(['example.org ample.net']);
});

it('asks about keys over the connection of the pair, if there is one', async () => {
  const { outbound, open } = createWorld();
  const pair = { local: 'example.org', remote: 'example.net' };
  expect(outbound.verify(pair, 'a', '1')).toBeUndefined();
  outbound.send(stanza('message', 'ben@example.net'));
  open('example.net');
  expect(await outbound.verify(pair, 'a', '1')).toBe('valid');
  expect(outbound.verify({ ...pair, local: 'push.example.org' }, 'a', '1')).toBeUndefined();
});

describe('the end', () => {
  it('comes when all connections are closed', async () => {
    const { outbound, open, to } = createWorld();
    outbound.send(stanza('message', 'ben@example.net'));
    outbound.send(stanza('message', 'ben@example.com'));
    const streams = [open('example.net'), open('example.com')];
    const stopped = outbound.stop();
    expect(streams.map(({ isEnded }) => isEnded)).toEqual([true, true]);
    for (const [index, name] of ['example.net', 'example.com'].entries())
      to(name).onClosed(streams[index] ?? new FakeStream(), undefined);
    await stopped;
  });

  it('does not wait long for what cannot be sent', async () => {
    const { outbound, clock, errors } = createWorld();
    outbound.send(stanza('message', 'ben@example.net'));
    const stopped = outbound.stop();
    clock.advance(2_000);
    await stopped;
    expect(errors()).toHaveLength(1);
    outbound.send(stanza('message', 'ben@example.com'));
    expect(errors()[0]?.[3]).toMatch(/shutting down/);
  });

  it('is at once if there is nothing', async () => {
    await createWorld().outbound.stop();
  });
});
