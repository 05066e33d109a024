import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type ComponentHost,
  type ComponentHostOptions,
  createComponentHost,
} from '../../src/hosts/component/component-host.js';
import { type ProbeOptions, probeComponent } from '../../src/hosts/component/probe.js';
import { el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { hasEjabberd, startEjabberd } from '../harness/ejabberd.js';
import { FakeClock } from '../harness/fake-clock.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody, startProsody } from '../harness/prosody.js';
import { recordingEvents } from '../harness/recording-events.js';
import type { XmppServer, XmppServerOptions } from '../harness/xmpp-server.js';

const domain = Jid.parse('push.example.org');
const secret = 's3cret';
const servers: XmppServerOptions = {
  accounts: { 'juliet@example.org': 'pw' },
  components: { [domain.toString()]: secret },
};

interface Expectations {
  readonly unknownName: string;
  readonly clientPort: readonly string[];
}

/** What an operator sees and what keeps a connection alive, on a real server. */
function suite(start: (options: XmppServerOptions) => Promise<XmppServer>, expected: Expectations) {
  let server: XmppServer;
  beforeAll(async () => {
    server = await start(servers);
  });
  afterAll(() => server?.stop());

  const clock = new FakeClock();
  let running: ComponentHost | undefined;
  afterEach(async () => {
    const stopped = running?.stop();
    clock.advance(10_000);
    await stopped;
    running = undefined;
  });

  const address = () => ({ host: '127.0.0.1', port: server.componentPort });
  const probe = (options: Partial<ProbeOptions> = {}) =>
    probeComponent({ jid: domain, connect: address(), secret, ...options });
  const create = (options: Partial<ComponentHostOptions> = {}) => {
    const { events, recorded } = recordingEvents();
    const software = { name: 'Belfry', version: '1' };
    const host = createComponentHost({
      ...{ jid: domain, connect: address(), secret, processId: 'p1', software, events },
      ...options,
    });
    running = host;
    return { host, recorded };
  };

  it('lets the component in', async () => {
    expect(await probe()).toEqual({ ok: true });
  });

  it('refuses a wrong secret', async () => {
    expect(await probe({ secret: 'wrong' })).toMatchObject({ failure: { kind: 'wrong-secret' } });
  });

  it('knows no other component', async () => {
    const result = await probe({ jid: Jid.parse('other.example.org') });
    expect(result).toMatchObject({ failure: { kind: expected.unknownName } });
  });

  it('has another port for clients', async () => {
    const result = await probe({ connect: { host: '127.0.0.1', port: server.c2sPort } });
    expect(expected.clientPort).toContain(result.ok ? 'ok' : result.failure.kind);
    expect(result).toMatchObject({ failure: { remedy: expect.stringContaining('component.connect') } });
  });

  it('carries a ping of the component to itself there and back', async () => {
    const { host } = create();
    host.start();
    await waitFor('the component', () => host.isConnected);
    const ping = { type: 'get', to: domain, payload: el('ping', ns.ping) } as const;
    expect(await host.sendIq(ping, { timeout: 10_000 })).toEqual({ kind: 'result', payload: undefined });
  });

  it('keeps an idle component connected, and is noticed when it hangs', async () => {
    const { host, recorded } = create({ clock });
    host.start();
    await waitFor('the component', () => host.isConnected);
    clock.advance(30_000);
    await waitFor('the ping to be answered', () => {
      clock.advance(10);
      return clock.pending.length === 1;
    });
    clock.advance(20_000);
    expect(host.isConnected).toBe(true);
    process.kill(server.pid, 'SIGSTOP');
    clock.advance(60_000);
    process.kill(server.pid, 'SIGCONT');
    const reasons = recorded.flatMap((event) => (event.name === 'hostDisconnected' ? [event.reason] : []));
    expect(reasons[0]).toContain('stopped answering');
  });

  it('is found again after a restart', async () => {
    const { host } = create({ limits: { firstDelay: 50, longestDelay: 200 } });
    host.start();
    await waitFor('the component', () => host.isConnected);
    await server.restart();
    await waitFor('the component to be back', () => host.isConnected, { timeout: 30_000 });
  });
}

describe('the component host', () => {
  describeWithPeers('on Prosody', { prosody: hasProsody }, () => {
    suite(startProsody, {
      unknownName: 'unknown-component',
      clientPort: ['unknown-component', 'wrong-port'],
    });
  });
  describeWithPeers('on ejabberd', { ejabberd: hasEjabberd }, () => {
    suite(startEjabberd, { unknownName: 'wrong-secret', clientPort: ['unknown-component', 'wrong-port'] });
  });
});
