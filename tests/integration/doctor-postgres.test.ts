import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../src/cli/program.js';
import { FakeComponentServer } from '../harness/fake-component-server.js';
import { freePort } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../harness/postgres.js';

describeWithPeers('the doctor of a Belfry with PostgreSQL', { postgresql: hasPostgres }, () => {
  let postgres: PostgresServer;
  let server: FakeComponentServer;

  beforeAll(async () => {
    postgres = await startPostgres();
    server = new FakeComponentServer();
    await server.start();
  });

  afterAll(async () => {
    await server?.stop();
    await postgres?.stop();
  });

  it('opens the database and compares its clock', async () => {
    const port = await freePort();
    const lines: string[] = [];
    const code = await run(['doctor'], {
      out: (line) => lines.push(line),
      err: (line) => lines.push(line),
      load: {
        cwd: tmpdir(),
        env: {
          BELFRY_HOST: 'component',
          BELFRY_COMPONENT_JID: server.domain,
          BELFRY_COMPONENT_SECRET: server.secret,
          BELFRY_COMPONENT_CONNECT: `127.0.0.1:${server.port}`,
          BELFRY_HTTP_LISTEN: `127.0.0.1:${port}`,
          BELFRY_STORAGE: postgres.url(await postgres.createDatabase()),
        },
      },
      readNewPassword: async () => '',
      watchSignals: async () => 'SIGTERM',
    });
    expect(lines).toContain('ok       storage: PostgreSQL opens; the first start makes its tables');
    expect(lines).toContain('ok       clock: agrees with that of the database');
    expect(code).toBe(0);
  });
});
