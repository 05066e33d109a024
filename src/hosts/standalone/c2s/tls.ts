import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { ChannelBinding } from '../sasl/sasl.js';

/** What the server proves its name with. */
export interface ServerCertificate {
  /** The chain, as PEM. */
  readonly cert: string;
  readonly key: string;
  /** The hash that `tls-server-end-point` binds to (RFC 5929 §4.1); undefined if that is not defined for it. */
  readonly serverEndPoint: Uint8Array | undefined;
}

/** A certificate ready for handshakes. */
export interface TlsIdentity {
  readonly context: SecureContext;
  readonly certificate: ServerCertificate;
}

/** ALPN name of XMPP clients that begin with TLS (XEP-0368 §4). */
const alpnProtocols = ['xmpp-client'];

/** @throws if certificate and key are no pair, or no PEM */
export function createTlsIdentity(certificate: ServerCertificate): TlsIdentity {
  const { cert, key } = certificate;
  const context = createSecureContext({
    cert,
    key,
    minVersion: 'TLSv1.2',
    // Costs the server more than the client, and nobody needs it.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  });
  return { context, certificate };
}

/**
 * The server's side of TLS on a connection. With `isDirect` a client that offers protocols has to offer ours, or the
 * handshake fails.
 */
export function secure(socket: Socket, { context }: TlsIdentity, isDirect: boolean): TLSSocket {
  return new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    ...(isDirect && { ALPNProtocols: alpnProtocols }),
  });
}

/** What authentication may bind to on this connection. */
export function channelBindings(
  socket: TLSSocket,
  { certificate }: TlsIdentity,
): ReadonlyMap<ChannelBinding, () => Uint8Array> {
  const bindings = new Map<ChannelBinding, () => Uint8Array>();
  // Before TLS 1.3 the exporter's value is only unique with an extension that cannot be asked for here (RFC 9266 §4.2).
  if (socket.getProtocol() === 'TLSv1.3') {
    bindings.set('tls-exporter', () =>
      socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)),
    );
  }
  const { serverEndPoint } = certificate;
  if (serverEndPoint !== undefined) bindings.set('tls-server-end-point', () => serverEndPoint);
  return bindings;
}
