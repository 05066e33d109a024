import { isIP, type LookupFunction, type TcpSocketConnectOpts } from 'node:net';
import { type ConnectionOptions, connect, type SecureContext, type TLSSocket } from 'node:tls';
import { refusedAddressCode } from '../../net/guard.js';
import type { SendOutcome } from '../request.js';

/** Where push messages go to. */
export interface Place {
  readonly hostname: string;
  readonly port: number;
}

export interface DialOptions {
  readonly lookup: LookupFunction;
  readonly secureContext: SecureContext;
  /** Milliseconds in all. */
  readonly connectTime: number;
}

/** How a connection attempt ends: with a socket that belongs to whoever hears of it, or with what becomes of requests. */
export interface DialListener {
  readonly onConnect: (socket: TLSSocket) => void;
  readonly onFailure: (outcome: SendOutcome) => void;
}

/** Milliseconds that one of a host's addresses may take before the next one is tried. */
const patience = 2_000;

/**
 * Connects by TLS, with a certificate that has to verify, to an address that the guard judges on the way. The function that it
 * returns gives up, after which nothing is heard any more.
 */
export function dial(
  place: Place,
  protocols: readonly string[],
  options: DialOptions,
  { onConnect, onFailure }: DialListener,
): () => void {
  const socket = connect(connectionOptions(place, protocols, options));
  const forget = () => {
    clearTimeout(timer);
    socket.off('secureConnect', succeed).off('error', onError).off('close', onClose);
  };
  const giveUp = () => {
    forget();
    socket.destroy();
  };
  const fail = (outcome: SendOutcome) => {
    giveUp();
    onFailure(outcome);
  };
  const succeed = () => {
    forget();
    socket.setNoDelay(true);
    onConnect(socket);
  };
  const onError = (error: NodeJS.ErrnoException) => fail(failureOf(error));
  const onClose = () => fail(unreachable('The connection was closed.'));
  const timer = setTimeout(() => fail(unreachable('There was no connection in time.')), options.connectTime);
  // What goes wrong while nobody has a use for it matters to nobody.
  socket.on('error', () => {});
  socket.once('secureConnect', succeed).on('error', onError).once('close', onClose);
  return giveUp;
}

function connectionOptions(
  { hostname, port }: Place,
  protocols: readonly string[],
  { lookup, secureContext }: DialOptions,
): ConnectionOptions & TcpSocketConnectOpts {
  return {
    host: hostname,
    port,
    lookup,
    secureContext,
    ALPNProtocols: [...protocols],
    // An address is no server name (RFC 6066 §3).
    servername: isIP(hostname) === 0 ? hostname : '',
    rejectUnauthorized: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: patience,
  };
}

const unreachable = (reason: string): SendOutcome => ({ kind: 'retry', reason, isUnreachable: true });

function failureOf({ code, name, message }: NodeJS.ErrnoException): SendOutcome {
  if (code === refusedAddressCode) return { kind: 'rejected', reason: message };
  return unreachable(`There was no connection (${code ?? name}).`);
}
