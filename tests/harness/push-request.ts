import { request } from 'node:http';

export interface PushAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/**
 * POSTs a push to an endpoint as an app server does, whatever the endpoint's host name: the connection goes to
 * 127.0.0.1 and the name into the Host header.
 */
export function postPush(
  endpoint: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<PushAnswer> {
  const url = new URL(endpoint);
  const options = {
    host: '127.0.0.1',
    port: url.port,
    path: url.pathname,
    method: 'POST',
    agent: false,
    headers: { host: url.host, 'content-length': String(body.length), ttl: '60', ...headers },
  };
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
