import type { AccountAdmin } from '../hosts/standalone/account-admin.js';
import type { Outcome } from '../services/notify/channel.js';
import type { Registration } from '../services/notify/registrations/registration.js';
import type { Registrations } from '../services/notify/registrations/registrations.js';
import type { Notify } from '../services/notify/service.js';
import type { Jid } from '../xmpp/jid.js';
import { type ControlArgs, ControlError, type ControlHandlers } from './protocol.js';
import { parseAccount, unknown } from './user-handlers.js';

export interface PushHandlersOptions {
  readonly domain: Jid;
  readonly accounts: Pick<AccountAdmin, 'has'>;
  readonly notify: Pick<Notify, 'ping'> & { readonly registrations: Pick<Registrations, 'of'> };
}

/**
 * What `belfry push` asks for, about the devices that an account has registered for notifications: `push.list`, and
 * `push.ping`, which has each of them told something now. A line for each; nothing that a registration keeps secret is in it.
 */
export function pushHandlers({ domain, accounts, notify }: PushHandlersOptions): ControlHandlers {
  const devicesOf = async ({ jid = '' }: ControlArgs) => {
    const account = parseAccount(jid, domain);
    if (!(await accounts.has(account))) throw unknown(account);
    const devices = await notify.registrations.of(account);
    if (devices.length > 0) return { account, devices };
    throw new ControlError(`No device of ${account} has enabled notifications.`);
  };
  return {
    'push.list': async (args, write) => {
      const { devices } = await devicesOf(args);
      for (const device of devices) await write(`${nameOf(device)}: ${stateOf(device)}`);
    },
    'push.ping': async (args, write) => {
      const { account, devices } = await devicesOf(args);
      // A service that does not answer keeps back the line of its own device alone.
      const pings = devices.map(async (device) => {
        const outcome = await notify.ping(device);
        await write(`${nameOf(device)}: ${wordsOf(outcome)}`);
        return outcome.kind === 'delivered';
      });
      const reached = (await Promise.all(pings)).filter(Boolean).length;
      if (reached === 0) throw new ControlError(`No device of ${account} could be told.`);
    },
  };
}

function nameOf({ client, channel, target }: Registration): string {
  return `${shown(client)} (${channel}, ${shown(target.service)})`;
}

function stateOf({ enabledAt, failures, restsSince }: Registration): string {
  const states = [`enabled ${time(enabledAt)}`];
  if (failures > 0) states.push(`${failures} ${failures === 1 ? 'refusal' : 'refusals in a row'}`);
  if (restsSince !== undefined) states.push(`rests since ${time(restsSince)}`);
  return states.join(', ');
}

function wordsOf(outcome: Outcome): string {
  return outcome.kind === 'delivered' ? outcome.kind : `${outcome.kind}: ${shown(outcome.reason)}`;
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** What others have chosen must not move a terminal's cursor, nor be long. */
function shown(text: string): string {
  return text.slice(0, 500).replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '\ufffd');
}
