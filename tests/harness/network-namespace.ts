import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { findExecutable } from './peer.js';

const ip = findExecutable('ip');

/** What this needs: iproute2, and the right to make namespaces. */
export const namespacePeers: Readonly<Record<string, boolean>> = {
  iproute2: ip !== undefined,
  'network namespaces for root': ip !== undefined && canMakeNamespaces(ip),
};

interface NamespaceOptions {
  /**
   * How often the system sends again what is not acknowledged, before a connection breaks: 3 times, if it is not said, which
   * takes seconds. It would take a quarter of an hour with the 15 times of a system that nobody has set up.
   */
  readonly retransmissions?: number;
}

/** A network of its own for a few programs, with one cable to this machine that can be pulled. */
export interface NetworkNamespace {
  /** The address of this machine, as programs in the namespace see it. */
  readonly hostAddress: string;
  /** What a command in the namespace begins with. */
  readonly launcher: readonly string[];
  /** Whether a program in it still takes a TCP connection for alive. */
  hasConnections(): boolean;
  unplug(): void;
  plugIn(): void;
  remove(): void;
}

/** Makes a namespace with two addresses of the range for benchmarks (RFC 2544 §C.2.2). */
export function createNetworkNamespace({ retransmissions = 3 }: NamespaceOptions = {}): NetworkNamespace {
  const tag = randomInt(0x10000000).toString(16);
  const [name, cable, plug] = [`belfry-${tag}`, `bfa${tag}`, `bfb${tag}`];
  const subnet = `198.${18 + randomInt(2)}.${randomInt(256)}`;
  const network = randomInt(64) * 4;
  const [hostAddress, ownAddress] = [`${subnet}.${network + 1}`, `${subnet}.${network + 2}`];
  const launcher = [ip ?? '', 'netns', 'exec', name];
  const patience = { tcp_retries2: retransmissions, tcp_syn_retries: 2 };
  const remove = () => {
    process.off('exit', remove);
    runIp('netns', 'delete', name);
  };
  runIp('netns', 'add', name);
  process.once('exit', remove);
  try {
    runIp('link', 'add', cable, 'type', 'veth', 'peer', 'name', plug, 'netns', name);
    runIp('address', 'add', `${hostAddress}/30`, 'dev', cable);
    runIp('link', 'set', cable, 'up');
    runIp('-n', name, 'address', 'add', `${ownAddress}/30`, 'dev', plug);
    runIp('-n', name, 'link', 'set', plug, 'up');
    runIp('-n', name, 'link', 'set', 'lo', 'up');
    for (const [key, retries] of Object.entries(patience)) {
      run([...launcher, 'sh', '-c', `echo ${retries} > /proc/sys/net/ipv4/${key}`]);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    hostAddress,
    launcher,
    hasConnections: () => tcpStates(run([...launcher, 'cat', '/proc/net/tcp'])).includes(established),
    unplug: () => runIp('link', 'set', cable, 'down'),
    plugIn: () => runIp('link', 'set', cable, 'up'),
    remove,
  };
}

function canMakeNamespaces(command: string): boolean {
  const name = `belfry-probe-${randomInt(0x10000000).toString(16)}`;
  try {
    run([command, 'netns', 'add', name]);
    run([command, 'netns', 'delete', name]);
    return true;
  } catch {
    return false;
  }
}

function runIp(...args: readonly string[]): void {
  run([ip ?? '', ...args]);
}

function run([command = '', ...args]: readonly string[]): string {
  return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

/** As in the system's table of TCP connections. */
const established = '01';

function tcpStates(table: string): (string | undefined)[] {
  return table.split('\n').map((line) => line.trim().split(/\s+/)[3]);
}
