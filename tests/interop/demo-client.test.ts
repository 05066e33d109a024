import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient } from '../../src/demo/client.js';
import { startDistributor } from '../../src/demo/distributor.js';
import { loadCertificate } from '../../src/hosts/standalone/tls/certificate.js';
import { el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody, hasUnifiedPushModule, startProsody } from '../harness/prosody.js';
import { postPush } from '../harness/push-request.js';
import type { XmppServer } from '../harness/xmpp-server.js';

const password = 'a-password';
const ana = Jid.parse('ana@example.test/phone');
const provider = Jid.parse('up.example.test');

/** Proves the client of the demo with a server that is not Belfry. */
describeWithPeers(
  'the client of the demo with Prosody',
  { prosody: hasProsody, mod_unified_push: hasUnifiedPushModule },
  () => {
    let prosody: XmppServer;
    const connect = () => ({ host: '127.0.0.1', port: prosody.c2sPort });

    beforeAll(async () => {
      prosody = await startProsody({
        accounts: { 'ana@example.test': password },
        unifiedPush: { [provider.toString()]: 'unified_push_backend = "storage"' },
      });
    });
    afterAll(() => prosody?.stop());

    it('logs in, asks, and hears what others send', async () => {
      const received: string[] = [];
      const client = await connectClient({
        ...{ connect: connect(), jid: ana, password },
        onStanza: (stanza) => received.push(stanza.child('body')?.text() ?? stanza.name),
      });
      expect(client.jid.toString()).toBe(ana.toString());
      const roster = { type: 'get', payload: el('query', ns.roster) } as const;
      expect(await client.request(roster)).toMatchObject({ kind: 'result' });
      const nobody = { ...roster, to: Jid.parse('nobody@example.test') };
      expect(await client.request(nobody)).toMatchObject({
        kind: 'error',
        error: { condition: 'service-unavailable' },
      });
      const greeting = el('body', ns.client, {}, 'hello');
      expect(client.send(message({ to: ana.toString(), type: 'chat' }, greeting))).toBe(true);
      await waitFor('the own message', () => received.includes('hello'));
      await client.close();
      expect(client.send(message({ to: ana.toString() }))).toBe(false);
      expect(await client.request(roster)).toEqual({ kind: 'disconnected' });
    });

    it('says why it is not let in', async () => {
      const options = { connect: connect(), jid: ana, onStanza: () => {} };
      await expect(connectClient({ ...options, password: 'wrong' })).rejects.toThrow('not-authorized');
      await expect(connectClient({ ...options, password, certificate: 'some' })).rejects.toThrow(
        'offers no STARTTLS',
      );
      const elsewhere = { ...options, jid: Jid.parse('ana@elsewhere.test'), password };
      await expect(connectClient(elsewhere)).rejects.toThrow('host-unknown');
      const nowhere = { ...options, connect: { host: '127.0.0.1', port: 1 }, password };
      await expect(connectClient(nowhere)).rejects.toThrow('ECONNREFUSED');
    });

    it('is told when the stream ends: another session takes its resource', async () => {
      const options = { connect: connect(), jid: ana, password, onStanza: () => {} };
      const first = await connectClient(options);
      const second = await connectClient(options);
      expect(await first.closed).toMatchObject({ condition: 'conflict' });
      await second.close();
      expect(await second.closed).toBeUndefined();
    });

    it('registers as distributor and takes pushes', async () => {
      const pushes: string[] = [];
      const distributor = await startDistributor({
        ...{ connect: connect(), jid: ana, password },
        onPush: (payload) => pushes.push(payload.toString()),
      });
      const { url, expires } = await distributor.register(provider);
      expect(expires.getTime()).toBeGreaterThan(Date.now());
      expect((await postPush(url, Buffer.from('hello'))).status).toBe(201);
      expect(pushes).toEqual(['hello']);
      await expect(distributor.register(Jid.parse('example.test'))).rejects.toMatchObject({
        condition: 'service-unavailable',
      });
      await distributor.close();
    });
  },
);

describe('the client of the demo with Belfry', () => {
  let server: StandaloneServer;
  let elsewhere: string;

  beforeAll(async () => {
    server = await startStandalone({
      accounts: { 'ana@example.test': password },
      standalone: { require_encryption: true },
    });
    elsewhere = await mkdtemp(join(tmpdir(), 'belfry-certificate-'));
  });
  afterAll(async () => {
    await server?.stop();
    await rm(elsewhere, { recursive: true });
  });

  const logIn = (certificate?: string) =>
    connectClient({
      ...{ connect: { host: '127.0.0.1', port: server.c2sPort }, jid: ana, password, onStanza: () => {} },
      ...(certificate !== undefined && { certificate }),
    });

  it('takes the server whose certificate it was given', async () => {
    const own = await readFile(join(dirname(server.configFile), 'data', 'tls.crt'), 'utf8');
    const client = await logIn(own);
    expect(client.jid.toString()).toBe(ana.toString());
    await client.close();
  });

  it('sends no password to one that has another certificate for the same domain', async () => {
    const other = await loadCertificate({ dataDir: elsewhere, domain: Jid.parse('example.test') });
    await expect(logIn(other.cert)).rejects.toThrow('self-signed certificate');
  });

  it('is not let in without encryption', async () => {
    await expect(logIn()).rejects.toThrow('does not offer SCRAM-SHA-256');
  });
});
