import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ns } from '../../src/xmpp/ns.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { bind, openRawClient, type RawClient } from '../harness/c2s.js';
import { authenticate, domain, opening, password } from '../harness/hostile.js';
import { countInLog, reload as reloadServer } from '../harness/reload.js';

let server: StandaloneServer;

beforeAll(async () => {
  server = await startStandalone({
    accounts: { [`ana@${domain}`]: password },
    components: { [`push.${domain}`]: 'a-secret' },
    standalone: { s2s: '127.0.0.1:0', s2s_direct_tls: '127.0.0.1:0' },
  });
});
afterAll(() => server?.stop());

const count = (message: string) => countInLog(server, message);
const reload = (change: Parameters<typeof reloadServer>[1]) => reloadServer(server, change);

async function logIn(): Promise<RawClient> {
  const client = await openRawClient(server.c2sPort);
  onTestFinished(() => void client.socket.destroy());
  await authenticate(client, 'ana');
  await client.write(opening).expect('</stream:features>');
  await client.write(bind('phone')).expect('<jid>');
  return client;
}

describe('SIGHUP applies to an XMPP server at work', () => {
  it('how long sessions wait for their clients, from the next one on', async () => {
    const granted = async () => {
      const client = await logIn();
      return client.write("<enable xmlns='urn:xmpp:sm:3' resume='true'/>").expect(/max='\d+'/);
    };
    expect(await granted()).toContain("max='600'");
    await reload({ smacks: { hibernation_time: '2 minutes' } });
    expect(await granted()).toContain("max='120'");
  });

  it('what is archived, in sessions that are open', async () => {
    const client = await logIn();
    const preferences = () =>
      client
        .write(`<iq type='get' id='p'><prefs xmlns='${ns.archive}'/></iq>`)
        .expect(/<prefs [^>]*default='\w+'/);
    expect(await preferences()).toContain("default='always'");
    await reload({ archive: { default_policy: 'never' } });
    expect(await preferences()).toContain("default='never'");
  });

  it('with whom it talks', async () => {
    const client = await logIn();
    const answer = () =>
      client.write("<message id='m' to='eve@elsewhere.test'><body>x</body></message>").expect('</error>');
    await reload({ standalone: { s2s_blocked_domains: ['test'] } });
    expect(await answer()).toContain('<not-allowed ');
    await reload({
      standalone: { s2s_blocked_domains: [], s2s_connect: { 'elsewhere.test': '127.0.0.1:1' } },
    });
    expect(await answer()).toContain('<remote-server-');
  });

  it('and says what a restart has to apply, without showing a secret', async () => {
    expect(count('changed keys that need a restart')).toBe(0);
    const { components } = JSON.parse(await readFile(server.configFile, 'utf8')).standalone;
    const secrets = { [`push.${domain}`]: 'kanarienvogel' };
    await reload({ standalone: { components: { ...components, secrets } } });
    expect(count('changed keys that need a restart')).toBe(1);
    expect(server.log()).toContain('standalone.components.secrets');
    expect(server.log()).not.toContain('kanarienvogel');
  });
});
