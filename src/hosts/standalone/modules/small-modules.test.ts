import { beforeEach, describe, expect, it } from 'vitest';
import { type FakeClient, FakeServer } from '../../../../tests/harness/fake-server.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { ping } from './ping.js';
import { session } from './session.js';
import { time } from './time.js';

let server: FakeServer;
let client: FakeClient;

beforeEach(async () => {
  server = new FakeServer();
  for (const module of [ping, time, session]) module.setup(server);
  await server.addAccount('ana@example.org');
  client = await server.connect('ana@example.org/phone');
});

describe('ping', () => {
  it('is answered for an account, but not to strangers', async () => {
    expect(await server.askAccount(client, 'get', el('ping', ns.ping))).toBeUndefined();
    expect(server.audienceOf({ type: 'get', ns: ns.ping, name: 'ping' })).toBe('subscribers');
    expect(server.accountInfo().features).toContain(ns.ping);
  });
});

describe('time', () => {
  it('is that of the server, in UTC, from the domain and from accounts', async () => {
    server.clock.advance(61_500);
    const expected = el(
      'time',
      ns.time,
      {},
      el('tzo', ns.time, {}, '+00:00'),
      el('utc', ns.time, {}, '2026-01-01T00:01:01.500Z'),
    );
    expect(await server.askDomain('ana@example.org/phone', 'get', el('time', ns.time))).toEqual(expected);
    expect(await server.askAccount(client, 'get', el('time', ns.time))).toEqual(expected);
    expect(server.audienceOf({ type: 'get', ns: ns.time, name: 'time' })).toBe('subscribers');
  });

  it('is advertised for both', () => {
    expect(server.advertised).toContainEqual({ features: [ns.time] });
    expect(server.accountInfo().features).toContain(ns.time);
  });
});

describe('session', () => {
  it('is granted, whomever a client asks', async () => {
    const payload = el('session', ns.session);
    expect(await server.askDomain('ana@example.org/phone', 'set', payload)).toBeUndefined();
    expect(await server.askAccount(client, 'set', payload)).toBeUndefined();
    expect(server.audienceOf({ type: 'set', ns: ns.session, name: 'session' })).toBe('owner');
  });
});
