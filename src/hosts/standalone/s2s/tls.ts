import { constants } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  createServer,
  rootCertificates,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { type PeerProof, proofOf, TrustedAuthorities } from './peer-certificate.js';

/** Own certificate and trusted authorities, ready for handshakes in both directions. */
export interface S2sTls {
  /**
   * The side of a server, which asks for a certificate. A client that offers protocols has to offer ours (XEP-0368). What
   * goes wrong closes the socket, and `secured` is not called.
   */
  accept(socket: Socket, secured: (socket: TLSSocket, proof: PeerProof) => void): void;
  /**
   * The side of a client, which shows its certificate. `name` is the domain in ASCII that is to be spoken with. What is
   * returned replaces the socket at once: a failed handshake shows in its error.
   */
  connect(socket: Socket, name: string, isDirect: boolean, secured: (proof: PeerProof) => void): TLSSocket;
}

export interface S2sTlsOptions {
  /** The chain, as PEM. */
  readonly cert: string;
  readonly key: string;
  /** Authorities beside those that Node knows, as PEM. */
  readonly authorities?: readonly string[];
}

/** ALPN name of XMPP servers that begin with TLS (XEP-0368 §4). */
const alpnProtocols = ['xmpp-server'];

/**
 * Does some work: once for each certificate.
 * @throws if certificate and key are no pair, or no PEM
 */
export function createS2sTls({ cert, key, authorities = [] }: S2sTlsOptions): S2sTls {
  const secure: SecureContextOptions = {
    cert,
    key,
    // Left out, Node takes its own, and has no need to tell clients their names.
    ...(authorities.length > 0 && { ca: [...rootCertificates, ...authorities] }),
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  const secureContext = createSecureContext(secure);
  const trusted = new TrustedAuthorities([...rootCertificates, ...authorities]);
  const accept = acceptWith(
    createServer({ ...secure, requestCert: true, rejectUnauthorized: false, ALPNProtocols: alpnProtocols }),
    trusted,
  );
  return {
    accept,
    connect(socket, name, isDirect, secured) {
      const secureSocket = connectTls({
        socket,
        secureContext,
        rejectUnauthorized: false,
        // The names are looked at together with the chain.
        checkServerIdentity: () => undefined,
        ...(isIP(name) === 0 && { servername: name }),
        ...(isDirect && { ALPNProtocols: alpnProtocols }),
      });
      secureSocket.once('secureConnect', () => secured(proofOf(secureSocket, trusted)));
      return secureSocket;
    },
  };
}

/**
 * Node says whether a client's certificate verifies only of sockets that a TLS server has made, and those show which
 * connection they are by its addresses alone.
 */
function acceptWith(server: Server, trusted: TrustedAuthorities): S2sTls['accept'] {
  const waiting = new Map<string, Parameters<S2sTls['accept']>[1]>();
  server.on('secureConnection', (socket) => {
    const secured = waiting.get(connectionOf(socket));
    if (secured === undefined) socket.destroy();
    else secured(socket, proofOf(socket, trusted));
  });
  return (socket, secured) => {
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const connection = connectionOf(socket);
    waiting.set(connection, secured);
    socket.once('close', () => {
      if (waiting.get(connection) === secured) waiting.delete(connection);
    });
    server.emit('connection', socket);
  };
}

const connectionOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket) =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
