import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../tests/harness/fake-clock.js';
import {
  FakeComponentServer,
  type ServerSide,
  streamErrorText,
  streamHeader,
} from '../../../tests/harness/fake-component-server.js';
import { freePort, waitFor } from '../../../tests/harness/net.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { type ProbeOptions, probeComponent } from './probe.js';

describe('probeComponent', () => {
  let server: FakeComponentServer;

  beforeEach(async () => {
    server = new FakeComponentServer();
    await server.start();
  });
  afterEach(() => server.stop());

  const probe = (options: Partial<ProbeOptions> = {}) =>
    probeComponent({
      jid: Jid.parse(server.domain),
      connect: { host: '127.0.0.1', port: server.port },
      secret: server.secret,
      ...options,
    });
  /** Waits for the component's stream header, then answers with what is given. */
  const answerHeader = (text: string) => (connection: ServerSide) => {
    connection.socket.once('data', () => connection.write(text));
  };

  it('connects, shakes hands and closes the stream', async () => {
    expect(await probe()).toEqual({ ok: true });
    await waitFor('the end', () => server.current.isClosed);
    expect(server.current.text).toContain("xmlns='jabber:component:accept'");
    expect(server.current.text).toContain("to='push.example.org'");
    expect(server.current.text).toMatch(/<handshake>[0-9a-f]{40}<\/handshake><\/stream:stream>$/);
  });

  it('understands a server that sends byte by byte', async () => {
    server.script = (connection) => {
      const drip = async (text: string) => {
        for (const character of text) {
          connection.write(character);
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      connection.socket.setNoDelay(true);
      connection.socket.once('data', () => {
        void drip(`${streamHeader('ü1')}<handshake></handshake>`);
      });
    };
    expect(await probe()).toEqual({ ok: true });
  });

  it('tells a wrong secret', async () => {
    expect(await probe({ secret: 'wrong' })).toMatchObject({
      ok: false,
      failure: { kind: 'wrong-secret', remedy: expect.stringContaining('component_secret') },
    });
  });

  it('does not tell the secret', async () => {
    expect(JSON.stringify(await probe({ secret: 'hunter2' }))).not.toContain('hunter2');
  });

  it.each([
    ['an unknown name', streamHeader('') + streamErrorText('host-unknown'), 'unknown-component'],
    ['a name that is taken', streamHeader('1') + streamErrorText('conflict', 'taken'), 'conflict'],
    ['a server that goes down', streamHeader('1') + streamErrorText('system-shutdown'), 'shutdown'],
    [
      'a port that refuses the namespace',
      streamHeader('1', ns.client) + streamErrorText('invalid-namespace'),
      'wrong-port',
    ],
    ['a port for clients', `${streamHeader('1', ns.client)}<stream:features/>`, 'wrong-port'],
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n<html>', 'wrong-port'],
    ['an unexpected stanza', `${streamHeader('1')}<message/>`, 'wrong-port'],
    ['another error', streamHeader('1') + streamErrorText('resource-constraint'), 'stream-error'],
    ['broken XML at the handshake', `${streamHeader('1')}<handshake></iq>`, 'invalid-xml'],
    ['a stream that ends at once', `${streamHeader('1')}</stream:stream>`, 'closed'],
  ])('tells %s', async (_, text, kind) => {
    server.script = answerHeader(text);
    expect(await probe()).toMatchObject({ ok: false, failure: { kind } });
  });

  it('never sends a hash of the bare secret', async () => {
    server.script = answerHeader(streamHeader('') + streamErrorText('host-unknown'));
    await probe();
    await waitFor('the end', () => server.current.isClosed);
    expect(server.current.text).not.toContain('<handshake>');
  });

  it('tells a server that hangs up at once', async () => {
    server.script = (connection) => connection.socket.end();
    expect(await probe()).toMatchObject({
      failure: { kind: 'closed', reason: expect.stringContaining('before') },
    });
  });

  it('tells a server that hangs up at the handshake', async () => {
    server.script = (connection) => {
      connection.socket.once('data', () => {
        connection.write(streamHeader('1'));
        connection.socket.once('data', () => connection.socket.end());
      });
    };
    expect(await probe()).toMatchObject({
      failure: { kind: 'closed', remedy: expect.stringContaining('secret') },
    });
  });

  it('tells that nothing listens', async () => {
    const connect = { host: '127.0.0.1', port: await freePort() };
    expect(await probe({ connect })).toMatchObject({ failure: { kind: 'refused' } });
  });

  it('gives up a connection that is not taken in time', async () => {
    const clock = new FakeClock();
    const result = probe({ clock });
    clock.advance(10_000);
    expect(await result).toMatchObject({ failure: { kind: 'connect-timeout' } });
  });

  it.each([
    ['a stream', '', 'did not open a stream'],
    ['the handshake', streamHeader('1'), 'did not answer the handshake'],
  ])('gives up a server that lets it wait for %s', async (_, text, reason) => {
    server.script = answerHeader(text);
    const clock = new FakeClock();
    const result = probe({ clock });
    const lastWord = text === '' ? '<stream:stream' : '</handshake>';
    await waitFor(lastWord, () => server.connections[0]?.text.includes(lastWord) === true);
    clock.advance(10_000);
    expect(await result).toMatchObject({
      failure: { kind: 'handshake-timeout', reason: expect.stringContaining(reason) },
    });
    await waitFor('the end of the socket', () => server.current.isClosed);
  });

  it('does not wait for a server that does not close', async () => {
    server.script = answerHeader(`${streamHeader('1')}<handshake/>`);
    const clock = new FakeClock();
    const result = probe({ clock });
    await waitFor('the last word', () => server.connections[0]?.text.endsWith('</stream:stream>') === true);
    clock.advance(2000);
    expect(await result).toEqual({ ok: true });
  });
});
