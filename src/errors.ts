import { type StanzaCondition, StanzaError, type StanzaErrorType } from './xmpp/stanza-error.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** How one error looks at each edge. `http` is absent where it never reaches HTTP, `stanza` where never XMPP. */
interface ErrorRow {
  /** What the peer is told, in one sentence without secrets. */
  readonly text: string;
  readonly stanza?: readonly [StanzaErrorType, StanzaCondition];
  readonly http?: number;
  readonly log: LogLevel;
}

/** Every error that a peer can see, in one place; `docs/errors.md` lists the same rows and a test holds it. */
export const errorTable = {
  'not-permitted': {
    text: 'This address may not use this push service.',
    stanza: ['auth', 'forbidden'],
    log: 'info',
  },
  'not-a-full-jid': {
    text: 'Register from a full JID: pushes go to the resource that registers.',
    stanza: ['modify', 'bad-request'],
    log: 'info',
  },
  'bad-hash': {
    text: 'application and instance are each the base64 of a SHA-256 hash.',
    stanza: ['modify', 'bad-request'],
    log: 'info',
  },
  'too-many-registrations': {
    text: 'This account has as many registrations as it may have. Try again when old ones have expired.',
    stanza: ['wait', 'resource-constraint'],
    log: 'info',
  },
  'endpoint-too-long': {
    text: 'The endpoint for this JID would be longer than 1000 bytes; use a shorter resource.',
    stanza: ['modify', 'policy-violation'],
    log: 'info',
  },
  'storage-failed': {
    text: 'The storage failed. Try again later.',
    stanza: ['wait', 'internal-server-error'],
    http: 500,
    log: 'error',
  },
  'internal-error': {
    text: 'Something went wrong on this side.',
    stanza: ['wait', 'internal-server-error'],
    http: 500,
    log: 'error',
  },
  'unknown-endpoint': { text: 'There is no such endpoint.', http: 404, log: 'debug' },
  'registration-gone': { text: 'There is no such endpoint.', http: 404, log: 'info' },
  'message-gone': {
    text: 'Messages are delivered at once and not kept.',
    http: 410,
    log: 'debug',
  },
  'no-such-route': { text: 'There is nothing here.', http: 404, log: 'debug' },
  'upgrade-required': { text: 'Ask for a WebSocket here.', http: 426, log: 'debug' },
  'method-not-allowed': { text: 'This resource does not take that method.', http: 405, log: 'debug' },
  'empty-body': { text: 'The body is empty; a push has at least one byte.', http: 400, log: 'debug' },
  'bad-request': { text: 'The request is not valid HTTP.', http: 400, log: 'debug' },
  'body-too-large': { text: 'The body is larger than 4096 bytes.', http: 413, log: 'debug' },
  'headers-too-large': { text: 'The header fields are too large.', http: 431, log: 'debug' },
  'request-timeout': { text: 'The request did not arrive in time.', http: 408, log: 'debug' },
  'too-many-pushes': {
    text: 'Too many pushes to this endpoint. Try again later.',
    http: 429,
    log: 'info',
  },
  'recipient-unavailable': {
    text: 'The device cannot be reached at the moment. Try again later.',
    http: 503,
    log: 'info',
  },
  'recipient-not-permitted': {
    text: 'The recipient may not use this push service at the moment. Try again later.',
    http: 503,
    log: 'info',
  },
  'no-answer': {
    text: 'The device did not answer in time. Try again later.',
    http: 503,
    log: 'info',
  },
  'host-disconnected': {
    text: 'The XMPP server cannot be reached at the moment. Try again later.',
    http: 503,
    log: 'warn',
  },
  overloaded: { text: 'Too many pushes are under way. Try again later.', http: 503, log: 'warn' },
  'shutting-down': { text: 'The server is shutting down. Try again later.', http: 503, log: 'info' },
  'push-rejected': { text: 'The device refused this push.', http: 502, log: 'warn' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

/** The codes with a stanza condition: those that an IQ handler may answer. */
export type StanzaErrorCode = {
  [C in ErrorCode]: (typeof errorTable)[C] extends { stanza: unknown } ? C : never;
}[ErrorCode];

/** The codes with an HTTP status: those that a route may answer. */
export type HttpErrorCode = {
  [C in ErrorCode]: (typeof errorTable)[C] extends { http: number } ? C : never;
}[ErrorCode];

/** The error reply for a code; `detail` says more than the table's text does, and must hold no secret. */
export function stanzaErrorFor(code: StanzaErrorCode, detail?: string): StanzaError {
  const row = errorTable[code];
  const [type, condition] = row.stanza;
  return new StanzaError(condition, detail ?? row.text, type);
}
