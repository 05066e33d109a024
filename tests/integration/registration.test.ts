import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient } from '../../src/demo/client.js';
import { el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { header, openRawClient } from '../harness/c2s.js';

describe('registration on a running server', () => {
  let server: StandaloneServer;

  beforeAll(async () => {
    server = await startStandalone({
      accounts: { 'ana@example.org': 'secret' },
      standalone: { registration: 'open' },
    });
  });
  afterAll(() => server.stop());

  const register = (id: string, username: string, password: string) =>
    `<iq type='set' id='${id}'><query xmlns='${ns.register}'><username>${username}</username><password>${password}</password></query></iq>`;

  const login = (jid: string, password: string) =>
    connectClient({
      connect: { host: '127.0.0.1', port: server.c2sPort },
      jid: Jid.parse(jid),
      password,
      onStanza() {},
    });

  it('leads a stranger to an account, to another password, and out again', async () => {
    const stranger = await openRawClient(server.c2sPort);
    const features = await stranger.write(header()).expect('</stream:features>');
    expect(features).toContain(`<register xmlns='${ns.registerFeature}'/>`);
    await stranger.write(register('r1', 'ana', 'mine')).expect('<conflict');
    await stranger.write(register('r2', 'ben', 'first')).expect("type='result'");
    await stranger.write('</stream:stream>').closed();

    const ben = await login('ben@example.org', 'first');
    const query = el(
      'query',
      ns.register,
      {},
      el('username', ns.register, {}, 'ben'),
      el('password', ns.register, {}, 'second'),
    );
    const changed = await ben.request({ type: 'set', to: Jid.parse('example.org'), payload: query });
    expect(changed.kind).toBe('result');
    await expect(login('ben@example.org', 'first')).rejects.toThrow();
    await (await login('ben@example.org', 'second')).close();

    const remove = el('query', ns.register, {}, el('remove', ns.register));
    expect((await ben.request({ type: 'set', payload: remove })).kind).toBe('result');
    expect(String(await ben.closed)).toContain('not-authorized');
    await expect(login('ben@example.org', 'second')).rejects.toThrow();
  });
});
