import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  issueWith,
} from '../../../../tests/harness/authority.js';
import { certificateName, type PeerProof } from './peer-certificate.js';
import { createS2sTls } from './tls.js';

const day = 24 * 60 * 60 * 1000;
let authority: Authority;
let own: IssuedCertificate;
const open: TLSSocket[] = [];
const listening: Server[] = [];

beforeAll(() => {
  authority = createAuthority();
  own = authority.issue({ names: ['own.example'] });
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  for (const server of listening.splice(0)) server.close();
});

/** What each side of a handshake thinks of the other's certificate. */
async function shakeHands(
  { cert, key }: Pick<IssuedCertificate, 'cert' | 'key'>,
  authorities = [authority.cert],
): Promise<{ asClient: PeerProof; asServer: PeerProof }> {
  const ours = createS2sTls({ ...own, authorities });
  const theirs = createS2sTls({ cert, key });
  const [serverSide, clientSide] = await socketPair();
  const asClient = new Promise<PeerProof>((resolve) =>
    ours.accept(serverSide, (socket, proof) => {
      open.push(socket);
      resolve(proof);
    }),
  );
  keep(theirs.connect(clientSide, 'own.example', false, () => undefined));
  const [otherServer, otherClient] = await socketPair();
  theirs.accept(otherServer, (socket) => open.push(socket));
  const asServer = new Promise<PeerProof>((resolve) =>
    keep(ours.connect(otherClient, 'peer.example', false, resolve)),
  );
  return { asClient: await asClient, asServer: await asServer };
}

function keep(socket: TLSSocket): void {
  socket.on('error', () => undefined);
  open.push(socket);
}

async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer({ noDelay: true });
  listening.push(server);
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('it listens nowhere');
  const client = connect(address.port, '127.0.0.1');
  const sides: [Socket, Socket] = [await accepted, client];
  for (const side of sides) side.on('error', () => undefined);
  return sides;
}

describe('a certificate proves', () => {
  it.each([
    ['its name', ['peer.example'], 'peer.example'],
    ['one of its names', ['other.example', 'peer.example'], 'peer.example'],
    ['what a wildcard stands for', ['*.peer.example'], 'rooms.peer.example'],
    ['a domain beyond ASCII', ['xn--bcher-kva.example'], 'bücher.example'],
    ['an IPv4 address', ['192.0.2.1'], '192.0.2.1'],
    ['an IPv6 address', ['2001:db8::1'], '[2001:db8::1]'],
  ])('%s', async (_what, names, domain) => {
    const { asClient, asServer } = await shakeHands(authority.issue({ names }));
    expect([asClient(domain), asServer(domain)]).toEqual([undefined, undefined]);
  });

  it.each([['server'], ['both']] as const)('its name if it is meant for %s', async (usage) => {
    const { asClient } = await shakeHands(authority.issue({ names: ['peer.example'], usage }));
    expect(asClient('peer.example')).toBeUndefined();
  });

  it('a name of the kind that XMPP has for itself', async () => {
    const issued = authority.issue({ names: ['web.example'], xmppAddresses: ['peer.example'] });
    const { asClient, asServer } = await shakeHands(issued);
    expect([asClient('peer.example'), asServer('peer.example')]).toEqual([undefined, undefined]);
  });

  it('its name through authorities that come with it', async () => {
    const issued = authority
      .intermediate('First')
      .intermediate('Second')
      .issue({ names: ['peer.example'] });
    const { asClient, asServer } = await shakeHands(issued);
    expect([asClient('peer.example'), asServer('peer.example')]).toEqual([undefined, undefined]);
  });
});

describe('a certificate proves nothing', () => {
  const peer = { names: ['peer.example'] };
  const bothFlawed = async (issued: IssuedCertificate, flaw: RegExp, authorities?: string[]) => {
    const { asClient, asServer } = await shakeHands(issued, authorities);
    expect(asClient('peer.example')).toMatch(flaw);
    expect(asServer('peer.example')).toMatch(flaw);
  };

  it.each(['server', 'both'] as const)('of somebody whom nobody trusts (%s)', async (usage) => {
    await bothFlawed(createAuthority('Nobody').issue({ ...peer, usage }), /not trusted|came without/);
  });

  it.each(['server', 'both'] as const)(
    'of somebody who calls himself like one who is trusted (%s)',
    async (usage) => {
      await bothFlawed(
        createAuthority().issue({ ...peer, usage }),
        /does not verify|not trusted|came without/,
      );
    },
  );

  it.each(['server', 'both'] as const)(
    'signed with a certificate that is no authority (%s)',
    async (usage) => {
      const mallory = authority.issue({ names: ['mallory.example'], usage });
      await bothFlawed(issueWith(mallory.signer, { ...peer, usage }), /does not verify/);
    },
  );

  it.each(['server', 'both'] as const)('after its end (%s)', async (usage) => {
    await bothFlawed(
      authority.issue({ ...peer, usage, from: Date.now() - 9 * day, until: Date.now() - day }),
      /has expired/,
    );
  });

  it.each(['server', 'both'] as const)('before its time (%s)', async (usage) => {
    await bothFlawed(authority.issue({ ...peer, usage, from: Date.now() + day }), /not valid yet/);
  });

  it.each([
    ['another domain', { names: ['other.example'] }],
    ['the domain above', { names: ['example'] }],
    ['a domain below', { names: ['x.peer.example'] }],
    ['domains below', { names: ['*.peer.example'] }],
    ['half a wildcard', { names: ['p*.example'] }],
    ['a name in quotes', { names: ['x.example'], xmppAddresses: ['a, othername:XmppAddr:peer.example, b'] }],
    ['an odd name beside it', { names: ['x.example'], xmppAddresses: ['a"b', 'peer.example'] }],
    ['a user', { names: ['x.example'], xmppAddresses: ['ana@peer.example'] }],
  ])('to others than it is for: %s', async (_what, wishes) => {
    await bothFlawed(authority.issue(wishes), /is not for peer\.example/);
  });

  it('of an authority that the operator does not know', async () => {
    await bothFlawed(authority.issue(peer), /not trusted|came without/, []);
  });
});

describe('a name', () => {
  it.each([
    ['example.org', 'example.org'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['[2001:db8::1]', '2001:db8::1'],
  ])('of %s is %s in certificates', (domain, name) => {
    expect(certificateName(domain)).toBe(name);
  });
});
