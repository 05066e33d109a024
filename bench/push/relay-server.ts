// The least that carries a push to an XMPP client: node:http reads the body, one IQ goes to the one client socket, and 201
// is answered when the result comes. It checks no token, knows no accounts, reads no XML.
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';

const open = new Map<string, ServerResponse>();
let client: Socket;
let lastId = 0;
let rest = '';

function readResults(chunk: Buffer): void {
  const text = rest + chunk.toString('latin1');
  let position = 0;
  for (let end = text.indexOf('/>'); end >= 0; end = text.indexOf('/>', position)) {
    const idStart = text.indexOf(`id='`, position) + 4;
    const id = text.slice(idStart, text.indexOf(`'`, idStart));
    open
      .get(id)
      ?.writeHead(201, { ttl: '0', location: `/message/${id}`, 'content-length': '0' })
      .end();
    open.delete(id);
    position = end + 2;
  }
  rest = text.slice(position);
}

const http = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const id = String(++lastId);
    open.set(id, response);
    const payload = Buffer.concat(chunks).toString('base64');
    client.write(
      `<iq type='set' id='${id}' from='relay'><push xmlns='http://gultsch.de/xmpp/drafts/unified-push'>${payload}</push></iq>`,
      'latin1',
    );
  });
});
const clients = createTcpServer({ noDelay: true }, (socket) => {
  client = socket.on('data', readResults);
});
const portOf = (address: AddressInfo | string | null) =>
  address !== null && typeof address === 'object' ? address.port : 0;
http.listen(0, '127.0.0.1', () => {
  clients.listen(0, '127.0.0.1', () => {
    process.send?.({ port: portOf(http.address()), clientPort: portOf(clients.address()) });
  });
});
process.on('disconnect', () => process.exit());
