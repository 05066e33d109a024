import { serialize } from '../../src/xmpp/serialize.js';
import { startBelfry } from '../../tests/harness/belfry.js';
import { notification, publish, register } from '../../tests/harness/gateway/requests.js';
import type { RunningPushService } from '../servers/start-push-service.js';
import type { Contender } from '../web-push/contender.js';
import { makeRecipients, type Recipient, turnOf } from '../web-push/recipients.js';
import { type LeanServer, startLeanServer } from './lean-server.js';

const jid = 'push.example.org';
const domain = 'example.org';

/** A contender, and the process that does the work. */
export interface Publisher extends Contender {
  readonly pid: number;
}

export interface GatewayBench {
  readonly recipients: number;
  /** Where its certificate authority is, as PEM in a file. */
  readonly ca: string;
}

/**
 * The built program as component: a publish goes in over its connection, and is done when the result has come out. Each account
 * has registered one browser.
 */
export async function gatewayContender(
  service: RunningPushService,
  { recipients, ca }: GatewayBench,
): Promise<Publisher> {
  const server = await startLeanServer(jid);
  const belfry = await startBelfry({
    component: { jid, secret: 'secret', port: server.port },
    backend: 'storage',
    logLevel: 'info',
    more: { web_push: { ca, allow_private_networks: true }, gateway: { rate_limit: 0 } },
  });
  const publishes = await registerAll(server, recipients, `https://localhost:${service.port}`);
  return {
    name: 'belfry, gateway',
    pid: belfry.pid,
    async act(n) {
      const answer = await server.ask(domain, turnOf(publishes, n));
      if (!answer.includes(`type='result'`)) throw new Error(`not accepted: ${answer}`);
    },
    async stop() {
      await belfry.stop();
      await server.close();
    },
  };
}

/** What the server publishes for each account, as XML. One after the other: of many at once some would have to come again. */
async function registerAll(server: LeanServer, count: number, origin: string): Promise<readonly string[]> {
  const publishes: string[] = [];
  for (const [at, recipient] of makeRecipients(count, [origin]).entries())
    publishes.push(await registerOne(server, at, recipient));
  return publishes;
}

async function registerOne(server: LeanServer, at: number, { plain }: Recipient): Promise<string> {
  const request = register({ endpoint: plain.endpoint, ...plain.keys }, 'browser');
  const answer = await server.ask(`user${at}@${domain}/browser`, serialize(request));
  const [node, secret] = ['node', 'secret'].map((name) => valueIn(answer, name));
  const summary = {
    'message-count': '1',
    'last-message-sender': `friend${at}@example.net/phone`,
    'last-message-body': 'New Message!',
  };
  return serialize(publish(node, secret, notification(summary)));
}

function valueIn(answer: string, field: string): string {
  const value = new RegExp(`var=['"]${field}['"][^>]*><value>([^<]*)`).exec(answer)?.[1];
  if (value === undefined) throw new Error(`not registered: ${answer}`);
  return value;
}
