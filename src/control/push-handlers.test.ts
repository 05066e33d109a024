import { beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../services/notify/channel.js';
import { Registration } from '../services/notify/registrations/registration.js';
import { Jid } from '../xmpp/jid.js';
import { ControlError } from './protocol.js';
import { pushHandlers } from './push-handlers.js';

const domain = Jid.parse('example.org');
const ana = Jid.parse('ana@example.org');
const rules = { whileAway: false, ignoresUnknown: false, muted: new Set<string>(), rooms: undefined };
const enabledAt = Date.UTC(2026, 10, 21, 14, 0, 5, 250);

interface Device {
  readonly client: string;
  readonly channel?: string;
  readonly service?: string;
  readonly failures?: number;
  readonly restsSince?: number;
  readonly outcome?: Outcome | Promise<Outcome>;
}

let devices: Map<Registration, Device['outcome']>;
let isKnown: boolean;

function add({ client, channel = 'cloud-notify', ...device }: Device): void {
  const { service = 'push.example.net', failures = 0 } = device;
  const stored = {
    account: ana.toString(),
    channel,
    client,
    address: `node-of-${client}`,
    details: 'secret',
    enabledAt,
    failures,
    restsSince: device.restsSince,
  };
  const target = { service, rules, deliver: () => Promise.reject(new Error('not here')) };
  devices.set(new Registration(ana, stored, target), device.outcome);
}

const handlers = pushHandlers({
  domain,
  accounts: { has: async (jid) => isKnown && jid.equals(ana) },
  notify: {
    registrations: { of: () => [...devices.keys()] },
    ping: async (registration) => (await devices.get(registration)) ?? { kind: 'delivered' },
  },
});

async function ask(command: string, args: Record<string, string> = { jid: 'ana@example.org' }) {
  const items: string[] = [];
  const failure = await handlers[command]?.(args, async (item) => void items.push(item)).catch(
    (error: unknown) => error,
  );
  return { items, failure };
}

beforeEach(() => {
  devices = new Map();
  isKnown = true;
});

describe('push.list', () => {
  it('has a line for each device, and nothing secret', async () => {
    add({ client: 'phone' });
    add({ client: 'tablet', service: 'up.example.com', failures: 1 });
    add({ client: 'old', failures: 16, restsSince: enabledAt + 86_400_000 });
    add({ client: 'firefox', channel: 'web-push', service: 'https://push.example.com' });
    const { items, failure } = await ask('push.list');
    expect(failure).toBeUndefined();
    expect(items).toEqual([
      'phone (cloud-notify, push.example.net): enabled 2026-11-21T14:00:05Z',
      'tablet (cloud-notify, up.example.com): enabled 2026-11-21T14:00:05Z, 1 refusal',
      'old (cloud-notify, push.example.net): enabled 2026-11-21T14:00:05Z, 16 refusals in a row, rests since 2026-11-22T14:00:05Z',
      'firefox (web-push, https://push.example.com): enabled 2026-11-21T14:00:05Z',
    ]);
  });

  it('leaves a terminal alone, whatever a client calls itself', async () => {
    add({ client: `a\u001b[2Jb\u202ec${'x'.repeat(2_000)}` });
    const { items } = await ask('push.list');
    expect(items[0]).toMatch(/^a\ufffd\[2Jb\ufffdcx+ \(/);
    expect(items[0]?.length).toBeLessThan(600);
  });
});

describe('push.ping', () => {
  it('says of each device how it went', async () => {
    add({ client: 'phone' });
    add({ client: 'tablet', outcome: { kind: 'rejected', reason: 'forbidden\u0007' } });
    add({ client: 'desk', outcome: { kind: 'retry', reason: 'no answer' } });
    add({ client: 'old', outcome: { kind: 'gone', reason: 'item-not-found' } });
    add({ client: 'firefox', channel: 'web-push', outcome: { kind: 'queued', reason: '503' } });
    const { items, failure } = await ask('push.ping');
    expect(failure).toBeUndefined();
    expect(items.toSorted()).toEqual([
      'desk (cloud-notify, push.example.net): retry: no answer',
      'firefox (web-push, push.example.net): queued: 503',
      'old (cloud-notify, push.example.net): gone: item-not-found',
      'phone (cloud-notify, push.example.net): delivered',
      'tablet (cloud-notify, push.example.net): rejected: forbidden\ufffd',
    ]);
  });

  it('fails if none could be told', async () => {
    add({ client: 'phone', outcome: { kind: 'retry', reason: 'no answer' } });
    const { items, failure } = await ask('push.ping');
    expect(items).toEqual(['phone (cloud-notify, push.example.net): retry: no answer']);
    expect(failure).toEqual(new ControlError('No device of ana@example.org could be told.'));
  });

  it('waits with no line for the line of another device', async () => {
    let answer: (outcome: Outcome) => void = () => {};
    add({ client: 'slow', outcome: new Promise((resolve) => (answer = resolve)) });
    add({ client: 'phone' });
    const items: string[] = [];
    const written = new Promise<void>((resolve) => {
      const write = async (item: string) => {
        items.push(item);
        resolve();
      };
      void handlers['push.ping']?.({ jid: 'ana@example.org' }, write);
    });
    await written;
    expect(items).toEqual(['phone (cloud-notify, push.example.net): delivered']);
    answer({ kind: 'delivered' });
  });
});

describe.each(['push.list', 'push.ping'])('%s says', (command) => {
  const failureOf = async (args?: Record<string, string>) => (await ask(command, args)).failure;

  it('that there is no such account', async () => {
    isKnown = false;
    expect(await failureOf()).toEqual(new ControlError('There is no account ana@example.org.'));
  });

  it('that no device is registered', async () => {
    const message = 'No device of ana@example.org has enabled notifications.';
    expect(await failureOf()).toEqual(new ControlError(message));
  });

  it.each([{}, { jid: '@' }, { jid: 'ana@elsewhere.org' }, { jid: 'ana@example.org/phone' }])(
    'what is wrong with %j',
    async (args: Record<string, string>) => {
      expect(await failureOf(args)).toBeInstanceOf(ControlError);
    },
  );
});
