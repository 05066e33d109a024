import { afterEach, describe, expect, it } from 'vitest';
import {
  authenticate,
  bind,
  type C2sTestBed,
  header,
  type RawClient,
  startC2s,
} from '../../../../tests/harness/c2s.js';
import { waitFor } from '../../../../tests/harness/net.js';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import { StreamError } from '../../../xmpp/stream-error.js';

let bed: C2sTestBed | undefined;

async function start(options?: Parameters<typeof startC2s>[0]): Promise<C2sTestBed> {
  bed = await startC2s(options);
  return bed;
}

afterEach(async () => {
  await bed?.close();
  bed = undefined;
});

const soon = (what: string, condition: () => boolean) => waitFor(what, condition, { interval: 2 });
const resume = `<resume xmlns='${ns.streamManagement}' previd='x' h='0'/>`;
const enable = `<enable xmlns='${ns.streamManagement}'/>`;

async function authenticated({ open }: C2sTestBed): Promise<RawClient> {
  const client = await open();
  await client.write(header()).expect('</stream:features>');
  await client.write(authenticate('ana')).expect('<success');
  await client.write(header()).expect('</stream:features>');
  return client;
}

describe('a client that wants its session back', () => {
  it('gets it instead of a new one', async () => {
    const running = await start();
    const first = await authenticated(running);
    await first.write(bind()).expect('<jid>');
    const { entrance } = running;
    entrance.resumable = entrance.session;
    const client = await authenticated(running);
    await client.write(resume).expect('<resumed');
    client.write("<message id='1'/>");
    await soon('the stanza', () => entrance.received.length === 1);
    expect(entrance.sessions).toHaveLength(1);
    client.write('<bind/>');
    await soon('the element', () => entrance.received.length === 2);
  });

  it('may bind a resource if there is none', async () => {
    const client = await authenticated(await start());
    await client.write(resume).expect('<failed');
    await client.write(bind()).expect('<jid>');
  });

  it.each([
    ['before it has authenticated', resume],
    ['before it has authenticated', enable],
  ])('is told that it is too soon %s: %s', async (_when, element) => {
    const { open } = await start();
    const client = await open();
    await client.write(header()).expect('</stream:features>');
    const failed = await client.write(element).expect('</failed>');
    expect(failed).toContain('<unexpected-request');
    await client.write(authenticate('ana')).expect('<success');
  });

  it('is told that it is too soon to begin before there is a resource', async () => {
    const client = await authenticated(await start());
    expect(await client.write(enable).expect('</failed>')).toContain('<unexpected-request');
    await client.write(bind()).expect('<jid>');
  });

  it('and has gone when it gets it, leaves it again', async () => {
    const running = await start();
    const { entrance } = running;
    const first = await authenticated(running);
    await first.write(bind()).expect('<jid>');
    let go = () => {};
    entrance.onResume = () =>
      new Promise((resolve) => {
        go = resolve;
      });
    entrance.resumable = entrance.session;
    const client = await authenticated(running);
    client.write(resume);
    await soon('the request', () => entrance.resumptions === 1);
    client.socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    go();
    await soon('the end of the session', () => entrance.unbound.length === 1);
    expect(entrance.unbound).toMatchObject([{ isFinal: false }]);
  });
});

describe('a session', () => {
  const endings: readonly [
    how: string,
    isFinal: boolean,
    end: (client: RawClient, bed: C2sTestBed) => void,
  ][] = [
    ['its client closes the stream', true, (client) => client.write('</stream:stream>')],
    ['its client says that something is wrong', true, (client) => client.write(errorOfTheClient)],
    ['its client breaks a rule', true, (client) => client.write('<message></wrong>')],
    ['the server ends it', true, (_, { entrance }) => entrance.session.link.end(new StreamError('conflict'))],
    ['the server stops', true, (_, { c2s }) => void c2s.stop()],
    ['its client closes the connection alone', false, (client) => client.socket.end()],
    ['its connection breaks', false, (client) => client.socket.resetAndDestroy()],
    ['its client reads too slowly', false, overwhelm],
  ];

  it.each(endings)('knows whether it is over when %s: %s', async (_how, isFinal, end) => {
    const running = await start({ limits: { waitingBytes: 100_000, closeTimeout: 50 } });
    const client = await authenticated(running);
    await client.write(bind()).expect('<jid>');
    end(client, running);
    await soon('the end of the session', () => running.entrance.unbound.length === 1);
    expect(running.entrance.unbound[0]?.isFinal).toBe(isFinal);
  });

  it('gets nothing back of what somebody else keeps', async () => {
    const running = await start({ limits: { waitingBytes: 100_000, closeTimeout: 50 } });
    const client = await authenticated(running);
    await client.write(bind()).expect('<jid>');
    client.socket.pause();
    const { link } = running.entrance.session;
    for (let n = 0; n < 100; n++) link.write(long);
    link.write(long);
    await soon('the end of the session', () => running.entrance.unbound.length === 1);
    expect(running.entrance.unbound).toMatchObject([{ undelivered: [], isFinal: false }]);
  });
});

const errorOfTheClient = `<stream:error><reset xmlns='${ns.streamErrors}'/></stream:error>`;
const long = message({}, el('body', ns.client, {}, 'x'.repeat(50_000)));

function overwhelm(client: RawClient, { entrance }: C2sTestBed): void {
  client.socket.pause();
  for (let n = 0; n < 100; n++) entrance.session.send(long);
}
