import { errorTable, type HttpErrorCode } from '../errors.js';

export type Headers = Readonly<Record<string, string>>;

/** An answer as far as it does not depend on the request; most are made once. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Empty for an answer without a body. */
  readonly body: Buffer;
}

/** On everything: answers are about one moment, and are never anything but what their type says. */
const commonHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/**
 * Endpoints are capability URLs without cookies or other ambient authority, so any web page that knows one may use
 * it, and read what it is answered.
 */
export const corsHeaders = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'location, ttl, retry-after',
} as const;

export function emptyAnswer(status: number, headers: Headers): Answer {
  return { status, headers: { ...commonHeaders, ...headers }, body: Buffer.alloc(0) };
}

export function textAnswer(status: number, type: string, text: string, headers: Headers = {}): Answer {
  return binaryAnswer(status, type, Buffer.from(text), headers);
}

export function binaryAnswer(status: number, type: string, body: Buffer, headers: Headers): Answer {
  return { status, headers: { ...commonHeaders, 'content-type': type, ...headers }, body };
}

export function jsonAnswer(status: number, value: object, headers: Headers = {}): Answer {
  return textAnswer(status, 'application/json', JSON.stringify(value), headers);
}

const errorAnswers: ReadonlyMap<string, Answer> = new Map(
  Object.entries(errorTable).map(([code, row]) => [
    code,
    jsonAnswer('http' in row ? row.http : 500, { error: code, message: row.text }, corsHeaders),
  ]),
);

/** The answer of a code as the error table has it. It says nothing about the request, least of all its token. */
export function errorAnswer(code: HttpErrorCode): Answer {
  const answer = errorAnswers.get(code);
  if (answer === undefined) throw new Error(`no such error code: ${code}`);
  return answer;
}
