import { randomBytes } from 'node:crypto';
import { DomainEntity } from '../../src/hosts/entity/entity.js';
import { systemClock } from '../../src/hosts/system-clock.js';
import { createGuard } from '../../src/net/guard.js';
import { createEvents } from '../../src/observability/events.js';
import { createLogger } from '../../src/observability/logger.js';
import { createMetrics } from '../../src/observability/metrics.js';
import { createCredentials } from '../../src/services/gateway/credentials.js';
import { createGateway } from '../../src/services/gateway/service.js';
import type { Element } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { StreamParser } from '../../src/xmpp/parser.js';
import { serialize } from '../../src/xmpp/serialize.js';
import { FakeWebPush } from '../../tests/harness/fake-web-push.js';
import { publish } from '../../tests/harness/gateway/requests.js';
import { MemoryGatewayStore } from '../../tests/harness/memory-gateway-store.js';
import { measureInRounds, type Rounds } from '../rounds.js';
import { median, printTable } from '../table.js';

const domain = Jid.parse('push.example.org');
const header = `<stream:stream xmlns='${ns.componentAccept}' xmlns:stream='${ns.streams}'>`;
const perChunk = 16;

interface Reader {
  readonly name: string;
  /** Reads that many bytes of stanzas, and is done with them. */
  readonly read: (chunk: Uint8Array) => void;
  readonly chunk: Uint8Array;
}

/** Publishes that are not by whom the device has registered: read, judged and refused; beside the parser alone. */
export async function measureForged(rounds: Rounds): Promise<void> {
  const key = randomBytes(32);
  const node = createCredentials({ key, randomBytes }).createNode();
  const wrongSecret = chunkOf(() => publish(node, randomBytes(32).toString('base64url')));
  const unknownNode = chunkOf(() => publish(randomBytes(32).toString('base64url'), 'any'));
  const readers: Reader[] = [
    { name: 'parser alone', chunk: wrongSecret, read: parserOf(() => undefined) },
    { name: 'refused: wrong secret', chunk: wrongSecret, read: gatewayOf(key, 'forbidden') },
    { name: 'refused: unknown node', chunk: unknownNode, read: gatewayOf(key, 'item-not-found') },
  ];
  const samples = await measureInRounds(readers, rounds, sampleOf);
  const rateOf = (reader: Reader) => median(samples.get(reader) ?? []);
  const [alone] = readers;
  const rows = readers.map((reader) => [
    reader.name,
    rateOf(reader).toFixed(0),
    alone === undefined ? '–' : (rateOf(reader) / rateOf(alone)).toFixed(2),
    (1e6 / rateOf(reader)).toFixed(1),
  ]);
  printTable(
    `forged publishes in memory; medians of ${rounds.rounds} rounds`,
    ['', 'publishes/s', '× parser', 'µs'],
    rows,
  );
}

function chunkOf(payload: () => Element): Uint8Array {
  const stanza = (_: unknown, at: number) =>
    `<iq type='set' id='p${at}' from='example.org' to='${domain}'>${serialize(payload())}</iq>`;
  return Buffer.from(Array.from({ length: perChunk }, stanza).join(''));
}

async function sampleOf({ read, chunk }: Reader, { seconds }: Rounds): Promise<number> {
  const until = performance.now() + seconds * 1000;
  const start = performance.now();
  let chunks = 0;
  while (performance.now() < until) {
    read(chunk);
    chunks++;
    // As between two reads of a socket: whatever was put off has its turn.
    await new Promise(setImmediate);
  }
  return (chunks * perChunk * 1000) / (performance.now() - start);
}

function parserOf(onStanza: (stanza: Element) => void): (chunk: Uint8Array) => void {
  const parser = new StreamParser(
    { onOpen: () => undefined, onStanza, onClose: () => undefined },
    { contentNamespaces: [ns.componentAccept] },
  );
  parser.write(Buffer.from(header));
  return (chunk) => parser.write(chunk);
}

/** A gateway that is asked over XMPP and answers in text; it throws if the answer has not that condition. */
function gatewayOf(key: Uint8Array, condition: string): (chunk: Uint8Array) => void {
  const events = createEvents({
    logger: createLogger({ level: 'info', format: 'json', output: { write: () => undefined } }),
    metrics: createMetrics({ version: 'bench' }),
  });
  const entity = new DomainEntity({
    domain,
    identity: { category: 'component', type: 'generic' },
    software: { name: 'Belfry', version: 'bench' },
    link: {
      isConnected: true,
      send(stanza) {
        if (!serialize(stanza, ns.client).includes(condition)) throw new Error(`not ${condition}`);
        return true;
      },
    },
    processId: 'bench',
    limits: { openRequests: 1_000, handlersUnderWay: 1_000 },
    ...{ clock: systemClock, randomBytes, events },
  });
  createGateway({
    host: entity,
    store: new MemoryGatewayStore(),
    webPush: new FakeWebPush(),
    guard: createGuard({ allowPrivateNetworks: false }),
    acl: [Jid.parse('example.org')],
    settings: () => ({ maxDevices: 10, rateLimit: 60, ttl: 60 }),
    ...{ key, clock: systemClock, now: Date.now, randomBytes, events },
  });
  return parserOf((stanza) => entity.take(stanza));
}
