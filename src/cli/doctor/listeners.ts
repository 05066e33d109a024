import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ListenAddress, StandaloneConfig } from '../../config/config.js';
import type { SettingName } from '../../config/schema.js';
import { formatAddress } from '../format-address.js';
import { askStream, type Opening, type StreamAnswer } from './ask-stream.js';
import type { Finding } from './finding.js';
import { localAddress } from './local-address.js';
import type { RunningBelfry } from './running.js';

interface Listener {
  readonly setting: SettingName;
  readonly address: ListenAddress;
  /** How one who may come in begins, and who that is. */
  readonly opening: Opening;
  readonly whom: string;
}

/** Whether others reach the running Belfry where they should, or, if none runs, whether it could listen there. */
export async function checkListeners(
  host: StandaloneConfig,
  running: RunningBelfry | undefined,
): Promise<Finding[]> {
  const check = (listener: Listener) =>
    running === undefined ? checkFree(listener) : checkAnswers(listener);
  const listeners = [...clientListeners(host), ...serverListeners(host), ...componentListener(host)];
  return [...noClients(host), ...(await Promise.all(listeners.map(check)))];
}

function noClients({ c2s, c2sDirectTls }: StandaloneConfig): Finding[] {
  if (c2s !== undefined || c2sDirectTls !== undefined) return [];
  const text = 'no listener is configured; clients come by WebSocket alone';
  const remedy = 'Set standalone.c2s or standalone.c2s_direct_tls.';
  return [{ status: 'warning', what: 'clients', text, remedy }];
}

function clientListeners({ domain, c2s, c2sDirectTls }: StandaloneConfig): Listener[] {
  const opening = { to: domain.domain, as: 'client' } as const;
  const whom = `clients of ${domain}`;
  return [
    ...at('standalone.c2s', c2s, { ...opening, isDirectTls: false }, whom),
    ...at('standalone.c2s_direct_tls', c2sDirectTls, { ...opening, isDirectTls: true }, whom),
  ];
}

function serverListeners({ domain, s2s }: StandaloneConfig): Listener[] {
  const opening = { to: domain.domain, as: 'server' } as const;
  const whom = `servers that look for ${domain}`;
  return [
    ...at('standalone.s2s', s2s?.listen, { ...opening, isDirectTls: false }, whom),
    ...at('standalone.s2s_direct_tls', s2s?.listenDirectTls, { ...opening, isDirectTls: true }, whom),
  ];
}

function componentListener({ components }: StandaloneConfig): Listener[] {
  const [to] = components?.secrets.keys() ?? [];
  if (to === undefined) return [];
  const opening = { to, as: 'component', isDirectTls: false } as const;
  return at('standalone.components.listen', components?.listen, opening, `the component ${to}`);
}

function at(
  setting: SettingName,
  address: ListenAddress | undefined,
  opening: Opening,
  whom: string,
): Listener[] {
  return address === undefined ? [] : [{ setting, address, opening, whom }];
}

async function checkFree({ setting, address }: Listener): Promise<Finding> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(address);
    await once(server, 'listening');
    return { status: 'ok', what: setting, text: `${formatAddress(address)} is free, and may be listened on` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const text = `no Belfry runs, and ${formatAddress(address)} cannot be had (${code})`;
    return { status: 'failed', what: setting, text, remedy: listenRemedy(code, setting) };
  } finally {
    server.close();
  }
}

function listenRemedy(code: string, setting: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Another program has it, perhaps another XMPP server: stop that, or change ${setting}.`;
    case 'EACCES':
      return `Ports below 1024 need a privilege: choose another in ${setting}.`;
    default:
      return `Give ${setting} an address of this machine.`;
  }
}

async function checkAnswers({ setting: what, address, opening, whom }: Listener): Promise<Finding> {
  const answer = await askStream(localAddress(address), opening);
  const place = formatAddress(address);
  if (answer.kind === 'ready' && answer.from === opening.to) {
    return { status: 'ok', what, text: `${place} answers ${whom}` };
  }
  const remedy = `Restart Belfry if ${what} or domain has changed since it started; or something else has the address.`;
  return { status: 'failed', what, text: `Belfry runs, and ${place} ${describe(answer, whom)}`, remedy };
}

function describe(answer: StreamAnswer, whom: string): string {
  switch (answer.kind) {
    case 'ready':
      return `answers as ${answer.from ?? 'somebody without a name'}`;
    case 'error':
      return `refuses ${whom}: ${answer.condition}`;
    case 'other':
      return 'gives no answer of an XMPP server';
    case 'unreachable':
      return `cannot be reached: ${answer.error.message}`;
  }
}
