// A push service that costs as little as may be: it reads each message, checks nothing of it, and answers 201.
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createAuthority } from '../../tests/harness/authority.js';

/** What the process says once it listens. After that it answers each message with how many it has answered so far. */
export interface PushServiceAddress {
  readonly port: number;
  /** PEM of who has signed its certificate. */
  readonly ca: string;
}

const authority = createAuthority();
const { cert, key } = authority.issue({ names: ['localhost'] });
const options = { cert, key, allowHTTP1: true, settings: { maxConcurrentStreams: 1000 } };
let answered = 0;
const server = createSecureServer(options, (request: Http2ServerRequest, response: Http2ServerResponse) => {
  request.resume();
  request.on('end', () => {
    answered++;
    response.writeHead(201, { location: '/message/1', ttl: '60', 'content-length': '0' });
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const address: PushServiceAddress = { port, ca: authority.cert };
  process.send?.(address);
});
process.on('message', () => process.send?.(answered));
process.on('disconnect', () => process.exit());
