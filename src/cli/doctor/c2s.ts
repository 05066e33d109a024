import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ListenAddress, StandaloneConfig } from '../../config/config.js';
import { formatAddress } from '../format-address.js';
import { askStream, type StreamAnswer } from './ask-stream.js';
import type { Finding } from './finding.js';
import { localAddress } from './local-address.js';
import type { RunningBelfry } from './running.js';

interface Listener {
  readonly setting: 'standalone.c2s' | 'standalone.c2s_direct_tls';
  readonly address: ListenAddress;
}

/** Whether clients reach the running Belfry where they should, or, if none runs, whether it could listen there. */
export async function checkC2s(
  host: StandaloneConfig,
  running: RunningBelfry | undefined,
): Promise<Finding[]> {
  const listeners = listenersOf(host);
  if (listeners.length === 0) {
    const text = 'no listener is configured; clients come by WebSocket alone';
    return [
      {
        status: 'warning',
        what: 'clients',
        text,
        remedy: 'Set standalone.c2s or standalone.c2s_direct_tls.',
      },
    ];
  }
  const check = (listener: Listener) =>
    running === undefined ? checkFree(listener) : checkAnswers(listener, host);
  return Promise.all(listeners.map(check));
}

function listenersOf({ c2s, c2sDirectTls }: StandaloneConfig): Listener[] {
  return [
    ...(c2s === undefined ? [] : [{ setting: 'standalone.c2s', address: c2s } as const]),
    ...(c2sDirectTls === undefined
      ? []
      : [{ setting: 'standalone.c2s_direct_tls', address: c2sDirectTls } as const]),
  ];
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

async function checkAnswers({ setting, address }: Listener, host: StandaloneConfig): Promise<Finding> {
  const answer = await askStream(localAddress(address), host.domain, setting === 'standalone.c2s_direct_tls');
  const what = setting;
  const at = formatAddress(address);
  if (answer.kind === 'features' && answer.from === String(host.domain)) {
    return { status: 'ok', what, text: `${at} answers clients of ${host.domain}` };
  }
  const remedy = `Restart Belfry if ${setting} or domain has changed since it started; or something else has the address.`;
  return { status: 'failed', what, text: `Belfry runs, and ${at} ${describe(answer)}`, remedy };
}

function describe(answer: StreamAnswer): string {
  switch (answer.kind) {
    case 'features':
      return `answers as ${answer.from ?? 'somebody without a name'}`;
    case 'error':
      return `refuses clients: ${answer.condition}`;
    case 'other':
      return 'gives no answer of an XMPP server';
    case 'unreachable':
      return `cannot be reached: ${answer.error.message}`;
  }
}
