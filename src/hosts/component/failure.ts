import type { Jid } from '../../xmpp/jid.js';
import type { StreamCondition, StreamError } from '../../xmpp/stream-error.js';

/** What kept a component from connecting or ended its connection. */
type FailureKind =
  | 'name-not-found'
  | 'refused'
  | 'unreachable'
  | 'connect-timeout'
  | 'handshake-timeout'
  | 'wrong-secret'
  | 'unknown-component'
  | 'conflict'
  | 'wrong-port'
  | 'closed'
  | 'shutdown'
  | 'stream-error'
  | 'invalid-xml'
  | 'silent'
  | 'socket-error';

/** A failure in an operator's words. Holds no secret; the same cause gives the same `reason` at each attempt. */
export interface HostFailure {
  readonly kind: FailureKind;
  readonly reason: string;
  /** What the operator can do; absent if it passes by itself. */
  readonly remedy?: string;
}

/** Where the connection points: what the sentences below name. */
export interface Destination {
  readonly jid: Jid;
  readonly connect: { readonly host: string; readonly port: number };
}

/** How far a connection got. */
export type Phase = 'connecting' | 'opening' | 'handshaking' | 'connected';

function address({ connect }: Destination): string {
  const host = connect.host.includes(':') ? `[${connect.host}]` : connect.host;
  return `${host}:${connect.port}`;
}

function portRemedy(to: Destination): string {
  return `component.connect must name the server's port for external components (often 5347), not ${address(to)}.`;
}

const checkServerIsUp = (to: Destination) =>
  `Check that the XMPP server runs and listens for components on ${address(to)}.`;

/** A socket that could not connect or broke; `error` as Node gives it. */
export function socketFailure(error: Error, to: Destination): HostFailure {
  const code = errorCode(error);
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        kind: 'name-not-found',
        reason: `the name ${to.connect.host} cannot be resolved`,
        remedy: 'Check the host in component.connect and the DNS resolver of this machine.',
      };
    case 'ECONNREFUSED':
      return {
        kind: 'refused',
        reason: `nothing listens on ${address(to)}`,
        remedy: checkServerIsUp(to),
      };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return {
        kind: 'unreachable',
        reason: `there is no route to ${address(to)}`,
        remedy: 'Check the network and the firewall between this machine and the XMPP server.',
      };
    case 'ECONNRESET':
    case 'EPIPE':
      return { kind: 'closed', reason: `the XMPP server at ${address(to)} reset the connection` };
    default:
      return { kind: 'socket-error', reason: `the connection to ${address(to)} failed: ${code}` };
  }
}

/** Several addresses tried in turn give one error without a code of its own in some versions of Node. */
function errorCode(error: Error): string {
  const candidates: unknown[] = error instanceof AggregateError ? [error, ...error.errors] : [error];
  for (const candidate of candidates) {
    if (candidate instanceof Error && 'code' in candidate && typeof candidate.code === 'string') {
      return candidate.code;
    }
  }
  return error.name;
}

/** A deadline that passed before the component was connected. */
export function timeoutFailure(phase: Phase, to: Destination): HostFailure {
  if (phase === 'connecting') {
    return {
      kind: 'connect-timeout',
      reason: `${address(to)} did not take the connection in time`,
      remedy: 'Check the address in component.connect and the firewall between.',
    };
  }
  const missing = phase === 'opening' ? 'did not open a stream' : 'did not answer the handshake';
  return {
    kind: 'handshake-timeout',
    reason: `${address(to)} took the connection but ${missing} in time`,
    remedy: portRemedy(to),
  };
}

/** The peer hung up without saying why. */
export function closedFailure(phase: Phase, to: Destination): HostFailure {
  const where = `the XMPP server at ${address(to)} closed the connection`;
  if (phase === 'connected') return { kind: 'closed', reason: where };
  if (phase === 'handshaking') {
    return {
      kind: 'closed',
      reason: `${where} at the handshake without a word`,
      remedy: secretRemedy(to),
    };
  }
  return { kind: 'closed', reason: `${where} before opening a stream`, remedy: portRemedy(to) };
}

function secretRemedy({ jid }: Destination): string {
  return (
    `component.secret must be the secret that the server has for ${jid}: component_secret below Component "${jid}" ` +
    'in Prosody, password below hosts of the ejabberd_service listener in ejabberd, where a name that is not ' +
    'listed gives this error too.'
  );
}

/** The peer speaks, but not XEP-0114: another protocol, or a port for clients or servers. */
export function wrongPortFailure(what: string, to: Destination): HostFailure {
  return { kind: 'wrong-port', reason: `${address(to)} ${what}`, remedy: portRemedy(to) };
}

/** The peer's XML broke the rules of streams. */
export function invalidXmlFailure(error: StreamError, to: Destination): HostFailure {
  return {
    kind: 'invalid-xml',
    reason: `the XMPP server at ${address(to)} sent invalid XML (${error.condition})`,
  };
}

/** The server let the keep-alive's ping pass unanswered. */
export function silentFailure(to: Destination): HostFailure {
  return { kind: 'silent', reason: `the XMPP server at ${address(to)} stopped answering` };
}

/** Conditions that only a port of another kind answers a component's stream header with (XEP-0114 §3). */
const wrongPortConditions: readonly StreamCondition[] = [
  'invalid-namespace',
  'bad-namespace-prefix',
  'unsupported-stanza-type',
  'unsupported-version',
];

/** The server's stream error. */
export function streamErrorFailure(error: StreamError, phase: Phase, to: Destination): HostFailure {
  if (phase !== 'connected' && wrongPortConditions.includes(error.condition)) {
    return wrongPortFailure(`is no port for components (it said ${error.condition})`, to);
  }
  switch (error.condition) {
    case 'not-authorized':
      return {
        kind: 'wrong-secret',
        reason: `the XMPP server refused the secret of ${to.jid}`,
        remedy: secretRemedy(to),
      };
    case 'host-unknown':
    case 'host-gone':
      return {
        kind: 'unknown-component',
        reason: `the XMPP server at ${address(to)} knows no component ${to.jid}`,
        remedy: `Add Component "${to.jid}" to Prosody's configuration, or ${to.jid} to hosts of ejabberd's ejabberd_service listener. If it is there, ${address(to)} is another port of the server: correct component.connect.`,
      };
    case 'conflict':
      return {
        kind: 'conflict',
        reason: `the XMPP server says that ${to.jid} is taken`,
        remedy: `Stop the other component that is connected as ${to.jid}, or choose a name that is not a host of the server.`,
      };
    case 'system-shutdown':
      return { kind: 'shutdown', reason: 'the XMPP server is shutting down' };
    default:
      return { kind: 'stream-error', reason: `the XMPP server ended the stream: ${describe(error)}` };
  }
}

/** The server's own words help an operator, but only so many of them. */
function describe({ condition, text }: StreamError): string {
  return text === '' ? condition : `${condition} (${text.slice(0, 200)})`;
}
