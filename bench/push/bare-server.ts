// The bare limit: what node:http does when it reads the body of a push and answers 201, and nothing else.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const location = `/message/${Buffer.concat(chunks).length}`;
    response.writeHead(201, { ttl: '0', location, 'content-length': '0' }).end();
  });
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('disconnect', () => process.exit());
