import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body, or its beginning if it is long. */
  readonly body: string;
  /** The machine's own time in the middle of the exchange, in Unix milliseconds. */
  readonly at: number;
}

export type HttpResult = HttpAnswer | { readonly error: Error };

const timeout = 10_000;
const maxBody = 64 * 1024;

/**
 * One GET without redirects, on a connection of its own; never rejects. Certificates are not judged here, so that a
 * wrong one does not hide what else is wrong.
 */
export function httpGet(url: URL): Promise<HttpResult> {
  const headers = { connection: 'close', 'user-agent': 'belfry-doctor' };
  const signal = AbortSignal.timeout(timeout);
  const started = Date.now();
  return new Promise((resolve) => {
    const options = { headers, signal, agent: false, rejectUnauthorized: false };
    const request = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options);
    request.on('error', (error) => resolve({ error: signal.aborted ? new Error('timeout') : error }));
    request.on('response', (message) => {
      const at = (started + Date.now()) / 2;
      readBody(message, (body) => {
        resolve({ status: message.statusCode ?? 0, headers: message.headers, body, at });
        request.destroy();
      });
    });
    request.end();
  });
}

function readBody(message: IncomingMessage, done: (body: string) => void): void {
  let body = '';
  message.setEncoding('utf8');
  message.on('data', (chunk: string) => {
    body += chunk;
    if (body.length > maxBody) done(body);
  });
  message.on('end', () => done(body));
  message.on('error', () => done(body));
}

/** The body as a JSON object; undefined if it is something else. */
export function jsonObject({ body }: HttpAnswer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
