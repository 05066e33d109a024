import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Authority, createAuthority } from '../../../../tests/harness/authority.js';
import { openRawClient } from '../../../../tests/harness/c2s.js';
import { type DnsServer, startDnsServer } from '../../../../tests/harness/dns-server.js';
import { waitFor } from '../../../../tests/harness/net.js';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { serverHeader } from '../../../../tests/harness/s2s.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { systemClock } from '../../system-clock.js';
import { dialbackKey } from './dialback.js';
import { createDns } from './dns.js';
import { createFederation, type Federation } from './federation.js';
import type { FederationSettings } from './policy.js';

const anyPort = { host: '127.0.0.1', port: 0 };
const [one, two] = ['one.test', 'two.test'];

let folder: string;
let dns: DnsServer;
let authority: Authority;
const sites: Site[] = [];

/** A server of one domain, which only keeps what reaches it. */
interface Site {
  readonly domain: string;
  readonly federation: Federation;
  readonly secret: Uint8Array;
  readonly received: Element[];
  readonly recorded: ReturnType<typeof recordingEvents>['recorded'];
  readonly settings: FederationSettings;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belfry-federation-'));
  dns = await startDnsServer();
  authority = createAuthority();
  await writeFile(join(folder, 'authority.pem'), `An authority:\n${authority.cert}`);
});
afterEach(async () => {
  await Promise.all(sites.splice(0).map(({ federation }) => federation.stop()));
  await dns.close();
  await rm(folder, { recursive: true });
});

async function start(
  domain: string,
  more: Partial<FederationSettings> = {},
  { listen = anyPort }: { listen?: typeof anyPort } = {},
): Promise<Site> {
  const settings: FederationSettings = {
    ...{ requireEncryption: true, secureAuth: false, secureDomains: [], insecureDomains: [] },
    ...{ allowedDomains: undefined, blockedDomains: [], ca: join(folder, 'authority.pem') },
    ...{ connect: new Map(), allowPrivateNetworks: true },
    ...more,
  };
  const { events, recorded } = recordingEvents();
  const received: Element[] = [];
  const certificate = authority.issue({ names: [domain], usage: 'both' });
  const secret = randomBytes(32);
  const federation = createFederation({
    ...{ domain: Jid.parse(domain), settings, listen, listenDirectTls: anyPort },
    ...{ maxConnectionsPerAddress: 0, isLocal: (name) => name === domain, dialbackSecret: secret },
    route: (stanza) => void received.push(stanza),
    certificate: () => certificate,
    ...{ events, clock: systemClock, randomBytes },
    dns: createDns({ servers: [`127.0.0.1:${dns.port}`] }),
  });
  await federation.start();
  const site = { domain, federation, secret, received, recorded, settings };
  sites.push(site);
  announce(site);
  return site;
}

/** Tells DNS where the site is, by which kind of connection. */
function announce({ domain, federation }: Site, kind: 'starttls' | 'direct' = 'starttls'): void {
  const { s2s, s2sDirectTls } = federation.addresses;
  const record = { name: `host.${domain}`, priority: 0, weight: 0 };
  const { services, addresses } = dns.zone;
  addresses[`host.${domain}`] = ['127.0.0.1'];
  services[`_xmpp-server._tcp.${domain}`] = [
    kind === 'starttls' ? { ...record, port: s2s?.port ?? 0 } : { ...record, name: '', port: 0 },
  ];
  services[`_xmpps-server._tcp.${domain}`] =
    kind === 'direct' ? [{ ...record, port: s2sDirectTls?.port ?? 0 }] : [];
}

const letter = (from: string, to: string, id: string) =>
  el('message', ns.client, { from: `ana@${from}/here`, to: `ben@${to}`, id, type: 'chat' });

const idsOf = ({ received }: Site) => received.map((stanza) => stanza.attr('id'));
async function receives(site: Site, ...ids: string[]): Promise<void> {
  await waitFor(`${site.domain} to receive ${ids}`, () => site.received.length >= ids.length);
  expect(idsOf(site)).toEqual(ids);
}
async function errorFor(site: Site, id: string): Promise<StanzaError> {
  const isIt = (stanza: Element) => stanza.attr('id') === id && stanza.attr('type') === 'error';
  await waitFor(`an error for ${id}`, () => site.received.some(isIt));
  return StanzaError.fromStanza(site.received.find(isIt) ?? letter('', '', ''));
}

const connectionsOf = ({ recorded }: Site) =>
  recorded.flatMap((event) =>
    event.name === 'serverConnected' ? [`${event.direction} ${event.domain} ${event.authentication}`] : [],
  );
const reasonsOf = ({ recorded }: Site) =>
  recorded.flatMap((event) =>
    event.name === 'serverUnreachable' || event.name === 'serverRefused' ? [event.reason] : [],
  );

describe.each(['starttls', 'direct'] as const)('two servers, by %s', (kind) => {
  it('find each other and talk by their certificates, both ways on one connection', async () => {
    const [here, there] = [await start(one, { secureAuth: true }), await start(two, { secureAuth: true })];
    for (const site of [here, there]) announce(site, kind);
    for (const id of ['1', '2', '3']) here.federation.send(letter(one, two, id));
    await receives(there, '1', '2', '3');
    for (const id of ['4', '5']) there.federation.send(letter(two, one, id));
    await receives(here, '4', '5');
    expect(connectionsOf(here)).toEqual([`outgoing ${two} certificate`]);
    expect(connectionsOf(there)).toEqual([`incoming ${one} certificate`]);
  });

  it('talk by dialback if they do not know each other’s authority', async () => {
    const none = { ca: undefined };
    const [here, there] = [await start(one, none), await start(two, none)];
    for (const site of [here, there]) announce(site, kind);
    here.federation.send(letter(one, two, '1'));
    await receives(there, '1');
    expect(connectionsOf(there)).toEqual([`incoming ${one} dialback`]);
  });
});

describe('a stanza comes back', () => {
  it('if there is no such domain, and nothing is tried again at once', async () => {
    const here = await start(one);
    for (const id of ['1', '2']) {
      here.federation.send(letter(one, 'absent.test', id));
      expect((await errorFor(here, id)).message).toBe(
        'remote-server-not-found: DNS knows no server of that domain.',
      );
    }
    expect(dns.asked.filter((question) => question === 'A absent.test')).toHaveLength(1);
    expect(reasonsOf(here)).toHaveLength(1);
  });

  it('if nobody listens there', async () => {
    const [here, there] = [await start(one), await start(two)];
    await there.federation.stop();
    here.federation.send(letter(one, two, '1'));
    expect((await errorFor(here, '1')).message).toBe(
      'remote-server-timeout: No connection could be made (ECONNREFUSED).',
    );
    const remedy = expect.stringMatching(/^127\.0\.0\.1:\d+ was tried: /);
    expect(here.recorded).toContainEqual(expect.objectContaining({ name: 'serverUnreachable', remedy }));
  });

  it('if DNS leads to a private network', async () => {
    const here = await start(one, { allowPrivateNetworks: false });
    await start(two);
    here.federation.send(letter(one, two, '1'));
    expect((await errorFor(here, '1')).condition).toBe('remote-server-not-found');
    expect(here.recorded).toMatchObject([
      { name: 'listening' },
      { name: 'listening' },
      { name: 'serverUnreachable', domain: two, reason: 'DNS leads to a private network.' },
    ]);
  });

  it('if the domain is blocked here', async () => {
    const [here, there] = [await start(one, { blockedDomains: ['test'] }), await start(two)];
    here.federation.send(letter(one, two, '1'));
    expect((await errorFor(here, '1')).condition).toBe('not-allowed');
    expect(connectionsOf(there)).toEqual([]);
  });

  it('if this domain is blocked there', async () => {
    const [here, there] = [await start(one), await start(two, { blockedDomains: [one] })];
    here.federation.send(letter(one, two, '1'));
    expect((await errorFor(here, '1')).condition).toBe('remote-server-not-found');
    expect([there.received, connectionsOf(there)]).toEqual([[], []]);
  });

  it('if a certificate is required there and not to be trusted', async () => {
    const [here, there] = [await start(one), await start(two, { secureAuth: true, ca: undefined })];
    here.federation.send(letter(one, two, '1'));
    await errorFor(here, '1');
    expect(there.received).toEqual([]);
    expect(reasonsOf(there).join()).toMatch(/certificate/);
  });

  it('if a certificate is required here and not to be trusted', async () => {
    const [here, there] = [await start(one, { secureAuth: true, ca: undefined }), await start(two)];
    here.federation.send(letter(one, two, '1'));
    await errorFor(here, '1');
    expect(there.received).toEqual([]);
    expect(reasonsOf(here).join()).toMatch(/certificate/);
  });
});

it('follows the operator to a server, whatever DNS says', async () => {
  const there = await start(two);
  const connect = new Map([[two, there.federation.addresses.s2s ?? anyPort]]);
  const here = await start(one, { connect, allowPrivateNetworks: false });
  here.federation.send(letter(one, two, '1'));
  await receives(there, '1');
});

it('reaches a server again that has come back, in order', async () => {
  const here = await start(one);
  const gone = await start(two);
  here.federation.send(letter(one, two, '1'));
  await receives(gone, '1');
  await gone.federation.stop();
  here.federation.send(letter(one, two, '2'));
  await errorFor(here, '2');
  const back = await start(two, {}, { listen: gone.federation.addresses.s2s ?? anyPort });
  here.federation.send(letter(one, two, '3'));
  await errorFor(here, '3');
  // It is known to be there when it has come by itself.
  back.federation.send(letter(two, one, '4'));
  await waitFor('a letter', () => idsOf(here).includes('4'));
  for (const id of ['5', '6']) here.federation.send(letter(one, two, id));
  await receives(back, '5', '6');
});

it('does what waits before it stops', async () => {
  const [here, there] = [await start(one), await start(two)];
  here.federation.send(letter(one, two, '1'));
  await here.federation.stop();
  await receives(there, '1');
});

describe('a stranger who claims to be a domain', () => {
  const clear = { requireEncryption: false };
  const attempt = async (at: Site, from: string) => {
    const client = await openRawClient(at.federation.addresses.s2s?.port ?? 0);
    const opened = await client
      .write(serverHeader(`version='1.0' from='${from}' to='${at.domain}'`))
      .expect('</stream:features>');
    return { client, streamId: /\bid=['"]([^'"]+)/.exec(opened)?.[1] ?? '' };
  };
  const claim = (from: string, to: string, key: string) =>
    `<db:result from='${from}' to='${to}'>${key}</db:result>`;

  it('is asked for a key that the real server knows', async () => {
    const [here, there] = [await start(one, clear), await start(two, clear)];
    const { client, streamId } = await attempt(here, two);
    const key = dialbackKey(there.secret, { receiving: one, originating: two, streamId });
    await client.write(claim(two, one, key)).expect(/type=.valid/);
    client.write(`<message from='ben@${two}' to='ana@${one}' id='real'/>`);
    await receives(here, 'real');
  });

  it.each<[string, (secret: Uint8Array, streamId: string) => string]>([
    [
      'a wrong key',
      (_, streamId) => dialbackKey(randomBytes(32), { receiving: one, originating: two, streamId }),
    ],
    [
      'a key of another stream',
      (secret) => dialbackKey(secret, { receiving: one, originating: two, streamId: 'old' }),
    ],
    [
      'a key for another domain',
      (secret, streamId) => dialbackKey(secret, { receiving: 'three.test', originating: two, streamId }),
    ],
    ['no key', () => ''],
  ])('is refused with %s', async (_, keyOf) => {
    const [here, there] = [await start(one, clear), await start(two, clear)];
    const { client, streamId } = await attempt(here, two);
    await client.write(claim(two, one, keyOf(there.secret, streamId))).expect(/type=.invalid/);
    client.write(`<message from='ben@${two}' to='ana@${one}' id='forged'/>`);
    await client.closed();
    expect(here.received).toEqual([]);
    expect(connectionsOf(here)).toEqual([]);
  });

  it('cannot speak for others than the domain that he has', async () => {
    const [here, there] = [await start(one, clear), await start(two, clear)];
    const { client, streamId } = await attempt(here, two);
    const key = dialbackKey(there.secret, { receiving: one, originating: two, streamId });
    await client.write(claim(two, one, key)).expect(/type=.valid/);
    client.write(`<message from='eve@three.test' to='ana@${one}' id='forged'/>`);
    expect(await client.closed()).toContain('invalid-from');
    expect(here.received).toEqual([]);
  });

  it('makes no error if the domain cannot be asked', async () => {
    const here = await start(one, clear);
    const { client } = await attempt(here, 'absent.test');
    await client.write(claim('absent.test', one, 'key')).expect('remote-server-not-found');
    expect(here.received).toEqual([]);
  });
});

describe('settings', () => {
  it('end what they forbid, whoever opened it', async () => {
    const [here, there] = [await start(one), await start(two)];
    here.federation.send(letter(one, two, '1'));
    await receives(there, '1');
    for (const site of [here, there]) {
      const ended = () => site.recorded.filter(({ name }) => name === 'serverDisconnected').length;
      const before = ended();
      await site.federation.reload({ ...site.settings, blockedDomains: ['test'] });
      await waitFor('the end of the stream', () => ended() > before);
      await site.federation.reload(site.settings);
      here.federation.send(letter(one, two, site.domain));
      await waitFor('a new stream', () => idsOf(there).includes(site.domain));
    }
    expect(reasonsOf(there).join()).toMatch(/This server does not talk with yours/);
  });

  it('that leave others in peace keep the streams', async () => {
    const [here, there] = [await start(one), await start(two)];
    here.federation.send(letter(one, two, '1'));
    await receives(there, '1');
    for (const site of [here, there])
      await site.federation.reload({ ...site.settings, secureAuth: true, blockedDomains: ['three.test'] });
    here.federation.send(letter(one, two, '2'));
    await receives(there, '1', '2');
    expect(connectionsOf(there)).toHaveLength(1);
  });

  it('that demand a certificate end streams that have none', async () => {
    const none = { ca: undefined };
    const [here, there] = [await start(one, none), await start(two, none)];
    for (const site of [here, there]) {
      here.federation.send(letter(one, two, site.domain));
      await waitFor('a letter', () => idsOf(there).includes(site.domain));
      const ended = () => site.recorded.filter(({ name }) => name === 'serverDisconnected').length;
      const before = ended();
      await site.federation.reload({ ...site.settings, secureAuth: true });
      await waitFor('the end of the stream', () => ended() > before);
      await site.federation.reload(site.settings);
    }
  });

  it('count from the next stanza on', async () => {
    const [here, there] = [await start(one), await start(two)];
    await here.federation.reload({ ...here.settings, blockedDomains: [two] });
    here.federation.send(letter(one, two, '1'));
    expect((await errorFor(here, '1')).condition).toBe('not-allowed');
    await here.federation.reload(here.settings);
    here.federation.send(letter(one, two, '2'));
    await receives(there, '2');
  });

  it('whose authorities cannot be read keep the former ones', async () => {
    const [here, there] = [await start(one, { secureAuth: true }), await start(two)];
    await here.federation.reload({ ...here.settings, ca: join(folder, 'absent.pem') });
    expect(here.recorded.at(-1)).toMatchObject({ name: 'certificateRejected' });
    here.federation.send(letter(one, two, '1'));
    await receives(there, '1');
  });

  it('whose authorities cannot be read let nothing begin', async () => {
    await writeFile(join(folder, 'none.pem'), 'nothing');
    for (const name of ['absent.pem', 'none.pem'])
      await expect(start(one, { ca: join(folder, name) })).rejects.toMatchObject({ name: 'TlsError' });
  });
});
