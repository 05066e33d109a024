import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { Cast, Stage } from '../harness/cloud-notify/stage.js';
import { mark, maxErrors, type PushWorld, startAttachedWorld } from '../harness/cloud-notify/world.js';
import { runBelfry } from '../harness/run-belfry.js';

let world: PushWorld;
let cast: Cast;
let stage: Stage;

beforeAll(async () => {
  world = await startAttachedWorld({});
  cast = new Cast(world);
});
afterAll(async () => {
  await cast?.leave();
  await world?.close();
});
beforeEach(async () => {
  stage = await Stage.build(cast);
});
afterEach(() => stage.close());

const push = (action: 'ping' | 'list', jid: string) =>
  runBelfry(['push', action, jid, '--config', world.server.configFile ?? '']);

it('pings devices, and says how each was reached', async () => {
  const one = await stage.absentee();
  const other = await stage.phone(one.bare);
  const refusal = new StanzaError('item-not-found');
  world.appServer.answerWith(other.node, refusal);
  const { status, out } = await push('ping', one.bare);
  expect(status).toBe(0);
  const name = ({ jid }: { jid: string }) => `${jid.split('/')[1]} (cloud-notify, ${world.appServer.jid})`;
  expect(out.trim().split('\n').sort()).toEqual(
    [`${name(one)}: delivered`, `${name(other)}: rejected: item-not-found`].sort(),
  );
  expect([one, other].map((phone) => stage.publishes(phone).length)).toEqual([1, 1]);
  expect(stage.publishes(one)[0]?.raw).not.toContain(mark);
});

it('has a device that rests told again when a ping reaches it', async () => {
  const phone = await stage.absentee();
  const refusals = Array.from({ length: maxErrors }, () => new StanzaError('item-not-found'));
  world.appServer.answerWith(phone.node, ...refusals);
  for (let count = 0; count < maxErrors; count++) {
    await stage.wake(phone);
    await stage.settleAnswers();
  }
  stage.write(phone.bare);
  expect(await stage.heardBy(phone)).toHaveLength(maxErrors);
  expect((await push('list', phone.bare)).out).toContain(`${maxErrors} refusals in a row, rests since `);
  expect((await push('ping', phone.bare)).out).toMatch(/: delivered\n$/);
  expect((await push('list', phone.bare)).out).not.toMatch(/refusals|rests/);
  await stage.wake(phone);
});

it('says that an account has no devices', async () => {
  const { status, err } = await push('ping', stage.account());
  expect(status).toBe(1);
  expect(err).toContain('has enabled notifications');
});

it('tells what it has collected when it is stopped', async () => {
  const phone = await stage.sleeper();
  stage.write(phone.bare);
  await stage.friend.settle();
  await world.server.kill();
  expect(stage.publishes(phone)).toHaveLength(1);
  await stage.restart();
});

it('knows devices after a crash', async () => {
  const phone = await stage.phone();
  await world.server.kill('SIGKILL');
  await stage.restart();
  expect((await stage.wake(phone)).level).toBe('important');
});
