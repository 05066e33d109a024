import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  authenticate,
  type C2sTestBed,
  header,
  iqNamed,
  openRawClient,
  type RawClient,
  startC2s,
} from '../../../../tests/harness/c2s.js';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { waitFor } from '../../../../tests/harness/net.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import { type Certificate, loadCertificate } from '../tls/certificate.js';

let certificates: Certificate[] = [];
let bed: C2sTestBed | undefined;

beforeAll(async () => {
  certificates = await Promise.all([makeCertificate(), makeCertificate()]);
});

async function makeCertificate(): Promise<Certificate> {
  const dataDir = await mkdtemp(join(tmpdir(), 'belfry-tls-'));
  try {
    return await loadCertificate({ files: undefined, dataDir, domain: Jid.parse('example.org') });
  } finally {
    await rm(dataDir, { recursive: true });
  }
}

function certificate(index = 0): Certificate {
  const found = certificates[index];
  if (found === undefined) throw new Error('there are two certificates');
  return found;
}

async function start(options?: Parameters<typeof startC2s>[0]): Promise<C2sTestBed> {
  bed = await startC2s({
    certificate: () => certificate(),
    requireEncryption: true,
    listenDirectTls: { host: '127.0.0.1', port: 0 },
    ...options,
  });
  return bed;
}

afterEach(async () => {
  await bed?.close();
  bed = undefined;
});

const startTls = `<starttls xmlns='${ns.tls}'/>`;
const proceed = `<proceed xmlns='${ns.tls}'/>`;
const soon = (what: string, condition: () => boolean) => waitFor(what, condition, { interval: 2 });

async function secured({ open }: C2sTestBed, options = {}): Promise<{ client: RawClient; tls: TLSSocket }> {
  const client = await open();
  await client.write(header()).expect('</stream:features>');
  expect(await client.write(startTls).expect('/>')).toBe(proceed);
  return { client, tls: await client.startTls(options) };
}

const fingerprintOf = (tls: TLSSocket) => tls.getPeerX509Certificate()?.fingerprint256;
const fingerprint = (index: number) => new X509Certificate(certificate(index).cert).fingerprint256;

describe('STARTTLS', () => {
  it('leads to a session', async () => {
    const running = await start();
    const { client } = await secured(running);
    const features = await client.write(header()).expect('</stream:features>');
    expect(features).not.toContain('starttls');
    expect(features).toContain('<mechanism>NAME</mechanism>');
    await client.write(authenticate('ana')).expect('</success>');
    await client.write(header()).expect('</stream:features>');
    await client.write(`<iq type='set' id='1'><bind xmlns='${ns.bind}'/></iq>`).expect('<jid>');
    client.write(iqNamed('2'));
    await soon('a stanza', () => running.entrance.received.length === 1);
    expect(running.entrance.session.link.transport).toBe('starttls');
    running.entrance.session.send(message({ id: 'x' }));
    await client.expect("<message id='x'/>");
  });

  it('can be begun in the same packet as the stream', async () => {
    const { open } = await start();
    const client = await open();
    await client.write(header() + startTls).expect(proceed);
    await client.startTls();
    await client.write(header()).expect('</stream:features>');
  });

  it('throws away what came in clear behind the request', async () => {
    const running = await start({ requireEncryption: false });
    const client = await running.open();
    await client.write(header()).expect('</stream:features>');
    // Somebody between client and server adds what the client is to have said inside TLS.
    await client.write(startTls + header() + authenticate('mallory')).expect(proceed);
    await client.startTls();
    const answer = await client.write(header()).expect('</stream:features>');
    expect(answer.match(/<stream:stream /g)).toHaveLength(1);
    expect(answer).toContain('<mechanism>');
    expect(running.entrance.sessions).toEqual([]);
  });

  it('fails for what came in clear before the handshake', async () => {
    const { open, entrance } = await start({ requireEncryption: false });
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    await client.write(startTls).expect(proceed);
    client.write(header() + authenticate('mallory'));
    await client.closed();
    expect(client.text).not.toContain('<stream:features>');
    expect(entrance.sessions).toEqual([]);
  });

  it('is not to be had twice', async () => {
    const { client } = await secured(await start());
    await client.write(header()).expect('</stream:features>');
    expect(await client.write(startTls).closed()).toBe(`<failure xmlns='${ns.tls}'/></stream:stream>`);
  });

  it('that is not gone on with is cut off after the time limit', async () => {
    const clock = new FakeClock();
    const { open } = await start({ clock });
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    await client.write(startTls).expect(proceed);
    clock.advance(30_000);
    clock.advance(2_000);
    await client.closed();
    await soon('no timer', () => clock.pending.length === 0);
  });

  it('is the newest TLS that both have, and nothing older than 1.2', async () => {
    const running = await start();
    const { tls } = await secured(running);
    expect(tls.getProtocol()).toBe('TLSv1.3');
    const { tls: older } = await secured(running, { maxVersion: 'TLSv1.2' });
    expect(older.getProtocol()).toBe('TLSv1.2');
    const ancient = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(secured(running, ancient)).rejects.toThrow();
  });

  it('is not renegotiated', async () => {
    const running = await start();
    const { client, tls } = await secured(running, { maxVersion: 'TLSv1.2' });
    await client.write(header()).expect('</stream:features>');
    tls.renegotiate({}, () => {});
    await client.write(' ').closed();
    expect(client.error?.message).toContain('no renegotiation');
  });
});

describe('TLS from the first byte', () => {
  it('leads to a session', async () => {
    const { openTls, entrance } = await start();
    const client = await openTls();
    await client.login();
    expect(entrance.session.link.transport).toBe('direct-tls');
  });

  it.each([[['xmpp-client']], [['h2', 'xmpp-client']]])(
    'is for those who offer %j',
    async (ALPNProtocols) => {
      const { openTls } = await start();
      const client = await openTls({ ALPNProtocols });
      await client.write(header()).expect('</stream:features>');
    },
  );

  it('is not for those who speak something else', async () => {
    const { openTls, c2s } = await start();
    await expect(openTls({ ALPNProtocols: ['http/1.1', 'h2'] })).rejects.toThrow(/alert|closed|protocol/i);
    await c2s.stop();
  });

  it('answers nobody who speaks in clear', async () => {
    const { c2s, recorded } = await start({ listen: undefined });
    const client = await openRawClient(c2s.addresses.directTls?.port ?? 0);
    expect(await client.write(header()).closed()).not.toContain('<stream');
    expect(recorded.filter(({ name }) => name === 'handlerFailed')).toEqual([]);
  });

  it('ends in good order', async () => {
    const { openTls, entrance } = await start();
    const client = await openTls();
    await client.login();
    entrance.session.send(message({ id: 'last' }));
    entrance.session.link.end(new StreamError('reset'));
    expect(await client.closed()).toMatch(/^<message id='last'\/><stream:error><reset .*<\/stream:stream>$/);
    await soon('the end of the session', () => entrance.unbound.length === 1);
    const other = await openTls();
    await other.login('ben');
    other.socket.end(iqNamed('1'));
    expect(await other.closed()).toBe('</stream:stream>');
    await soon('the end of the session', () => entrance.unbound.length === 2);
    expect(entrance.received).toHaveLength(1);
  });

  it('gives back what had not left', async () => {
    const clock = new FakeClock();
    const { openTls, entrance } = await start({ clock });
    const client = await openTls();
    await client.login();
    client.socket.pause();
    let sent = 0;
    while (entrance.session.send(message({ id: String(sent) }, 'x'.repeat(50_000)))) {
      sent++;
      if (sent > 2_000) throw new Error('nothing is full');
      await new Promise((resolve) => setImmediate(resolve));
    }
    clock.advance(2_000);
    await soon('the end of the session', () => entrance.unbound.length === 1);
    const lost = entrance.unbound[0]?.undelivered ?? [];
    expect(lost.length).toBeGreaterThan(30);
    expect(lost.at(-1)?.attr('id')).toBe(String(sent - 1));
  });
});

describe('channel binding', () => {
  const bindingsOf = ({ sasl }: C2sTestBed) => {
    const found = sasl.channels.at(-1)?.bindings ?? new Map<string, () => Uint8Array>();
    return new Map([...found].map(([type, read]) => [type, Buffer.from(read()).toString('hex')]));
  };

  it('is to what both ends of the connection know', async () => {
    const running = await start();
    for (const open of [() => running.openTls(), async () => (await secured(running)).client]) {
      const client = await open();
      const features = await client.write(header()).expect('</stream:features>');
      expect(features).toContain(
        `<sasl-channel-binding xmlns='${ns.saslChannelBinding}'>` +
          "<channel-binding type='tls-exporter'/><channel-binding type='tls-server-end-point'/></sasl-channel-binding>",
      );
      const tls = client.socket as TLSSocket;
      const exported = tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
      const hash = createHash('sha256').update(new X509Certificate(certificate().cert).raw).digest('hex');
      expect(bindingsOf(running)).toEqual(
        new Map([
          ['tls-exporter', exported.toString('hex')],
          ['tls-server-end-point', hash],
        ]),
      );
    }
  });

  it('is to the certificate alone before TLS 1.3', async () => {
    const running = await start();
    const client = await running.openTls({ maxVersion: 'TLSv1.2' });
    await client.write(header()).expect('</stream:features>');
    expect([...bindingsOf(running).keys()]).toEqual(['tls-server-end-point']);
  });

  it('is not there in clear', async () => {
    const running = await start({ requireEncryption: false });
    const client = await running.open();
    expect(await client.write(header()).expect('</stream:features>')).not.toContain('channel-binding');
    expect(bindingsOf(running).size).toBe(0);
  });
});

describe('another certificate', () => {
  it('is for handshakes from now on, and sessions go on', async () => {
    let index = 0;
    const running = await start({ certificate: () => certificate(index) });
    const { client, tls } = await secured(running);
    await client.login();
    expect(fingerprintOf(tls)).toBe(fingerprint(0));
    const undecided = await running.openTls();
    index = 1;
    running.c2s.reloadTls();
    expect(fingerprintOf((await secured(running)).tls)).toBe(fingerprint(1));
    const direct = await running.openTls();
    expect(fingerprintOf(direct.socket as TLSSocket)).toBe(fingerprint(1));
    client.write(iqNamed('1'));
    await soon('a stanza', () => running.entrance.received.length === 1);
    await undecided.write(header()).expect('</stream:features>');
    const endPoint = running.sasl.channels.at(-1)?.bindings.get('tls-server-end-point')?.();
    expect(endPoint).toEqual(certificate(0).serverEndPoint);
  });

  it('that is none leaves the one before', async () => {
    let isBroken = false;
    const running = await start({
      certificate: () =>
        isBroken ? { ...certificate(), cert: randomBytes(20).toString('base64') } : certificate(),
    });
    isBroken = true;
    expect(() => running.c2s.reloadTls()).toThrow();
    const { client, tls } = await secured(running);
    await client.write(header()).expect('</stream:features>');
    expect(fingerprintOf(tls)).toBe(fingerprint(0));
  });
});
