import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasChromium, startChromium } from '../harness/chromium.js';
import { DemoPage } from '../harness/demo-page.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers, findExecutable } from '../harness/peer.js';
import { startProgram } from '../harness/program.js';
import { main } from '../harness/run-belfry.js';

const curl = findExecutable('curl');
const run = promisify(execFile);

/** Where the demo makes its folder; empty before and after. */
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belfry-'));
});
afterEach(async () => {
  const left = await readdir(folder);
  await rm(folder, { recursive: true });
  expect(left).toEqual([]);
});

/** Variables of an operator's own Belfry, which the demo has nothing to do with. */
const env = () => ({ TMPDIR: folder, BELFRY_HOST: 'component', BELFRY_DATA_DIR: '/nonexistent' });

const endpoint = /^ {2}(http:\/\/127\.0\.0\.1:\d+\/push\/\S+)$/m;

describe('belfry demo --once', () => {
  it('pushes to itself, shows the push, and leaves nothing behind', async () => {
    const { stdout, stderr } = await run(process.execPath, [main, 'demo', '--once'], {
      env: { ...process.env, ...env() },
      cwd: folder,
    });
    expect(stdout).toMatch(endpoint);
    expect(stdout).toMatch(/\n\d\d:\d\d:\d\d {2}17 bytes: Hello from Belfry\n$/);
    expect(stdout).toMatch(/^Belfry runs: XMPP on 127\.0\.0\.1:\d+, HTTP on 127\.0\.0\.1:\d+\.$/m);
    expect(stdout).not.toContain('  curl ');
    expect(stderr).toBe('');
  });
});

describeWithPeers('belfry demo', { curl: curl !== undefined }, () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('shows what its curl line pushes, until %s', async (signal) => {
    const spec = { command: process.execPath, args: [main, 'demo'], env: env(), cwd: folder };
    const program = startProgram(spec);
    await waitFor('the curl line', () => program.output().includes('until Ctrl-C'), { timeout: 30_000 });
    const [line = ''] = /^ {2}curl .*$/m.exec(program.output()) ?? [];
    expect(line).toMatch(/^ {2}curl -d 'Hello' http:/);
    await run('sh', ['-c', line]);
    await waitFor('the push', () => program.output().includes('5 bytes: Hello\n'));
    const [, url = ''] = endpoint.exec(program.output()) ?? [];
    const answer = await fetch(url, { method: 'POST', body: new Uint8Array([0xff, 0x1b]) });
    expect(answer.status).toBe(201);
    await waitFor('the bytes', () => program.output().includes('2 bytes: ff 1b\n'));
    await program.kill(signal);
    expect(program.exitCode).toBe(0);
  });
});

describeWithPeers('belfry demo in a browser', { chromium: hasChromium }, () => {
  it('has a page, lets its reader in, and answers what is written', async () => {
    const program = startProgram({
      command: process.execPath,
      args: [main, 'demo'],
      env: env(),
      cwd: folder,
    });
    const chromium = await startChromium();
    try {
      await waitFor('the introduction', () => program.output().includes('until Ctrl-C'), { timeout: 30_000 });
      const introduction = /open (http:\S+)\/demo\/ in a browser\. Log in as (\S+) with the password (\S+),/;
      const [, httpBase = '', account = '', password = ''] = introduction.exec(program.output()) ?? [];
      const page = await DemoPage.open(chromium, httpBase);
      await page.logIn(account, password);
      await page.write('demo@localhost', 'Hello <&>');
      const answer = 'demo@localhost: You have written: Hello <&>';
      await waitFor('the answer', async () => (await page.text('#log')).includes(answer), {
        timeout: 30_000,
      });
    } finally {
      await chromium.close();
      await program.kill();
    }
    expect(program.exitCode).toBe(0);
  });
});
