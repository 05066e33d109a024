import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import type { ServiceRecord } from '../../src/hosts/standalone/s2s/dns.js';
import { addressBytes } from '../../src/net/ip-address.js';

/** What a DNS server knows; names in ASCII and lower case. May be changed while it runs. */
export interface Zone {
  readonly services: Record<string, readonly ServiceRecord[]>;
  /** IPv4 and IPv6. */
  readonly addresses: Record<string, readonly string[]>;
  /** Names that are other names (CNAME), whose addresses come along. */
  readonly aliases: Record<string, string>;
  /** What is answered SERVFAIL. */
  readonly broken: string[];
}

/** A DNS server on UDP at 127.0.0.1, for SRV, A and AAAA. */
export interface DnsServer {
  readonly port: number;
  readonly zone: Zone;
  /** Each question, as `TYPE name`, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

const types: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA', 33: 'SRV' };
const rcode = { ok: 0, serverFailure: 2, nameError: 3 };

export async function startDnsServer(zone: Partial<Zone> = {}): Promise<DnsServer> {
  const full: Zone = { services: {}, addresses: {}, aliases: {}, broken: [], ...zone };
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const question = readQuestion(message);
    asked.push(`${question.type} ${question.name}`);
    socket.send(answer(message, question, full), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    zone: full,
    asked,
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}

/** What leads to servers of domains on this machine: by a name that even those know who ask DNS for services alone. */
export function zoneOf(ports: Readonly<Record<string, number>>): Pick<Zone, 'services' | 'addresses'> {
  const service = { name: 'localhost', priority: 0, weight: 0 };
  const services = Object.entries(ports).map(([domain, port]) => [
    `_xmpp-server._tcp.${domain}`,
    [{ ...service, port }],
  ]);
  return { services: Object.fromEntries(services), addresses: { localhost: ['127.0.0.1'] } };
}

interface Question {
  readonly name: string;
  readonly type: string | undefined;
  /** Where in the message it ends. */
  readonly end: number;
}

function readQuestion(message: Buffer): Question {
  const labels: string[] = [];
  let at = 12;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const name = labels.join('.').toLowerCase();
  return { name, type: types[message.readUInt16BE(at + 1)], end: at + 5 };
}

/** RFC 1035 §4: the header, the question as it was, and what is known. */
function answer(message: Buffer, { name, type, end }: Question, zone: Zone): Buffer {
  const isBroken = zone.broken.includes(name);
  const alias = isBroken ? undefined : zone.aliases[name];
  const data = isBroken ? [] : dataOf(alias ?? name, type, zone);
  const isKnown =
    alias !== undefined || name in zone.services || name in zone.addresses || hasBelow(name, zone);
  const known = isKnown ? rcode.ok : rcode.nameError;
  const header = Buffer.from(message.subarray(0, 12));
  header.writeUInt16BE(0x8580 | (zone.broken.includes(name) ? rcode.serverFailure : known), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(data.length, 6);
  header.writeUInt32BE(0, 8);
  const records = data.map((bytes) => {
    const head = Buffer.alloc(12);
    // The name is that of the question, at its place.
    head.writeUInt16BE(0xc00c, 0);
    message.copy(head, 2, end - 4, end);
    head.writeUInt32BE(1, 6);
    head.writeUInt16BE(bytes.length, 10);
    return Buffer.concat([head, bytes]);
  });
  return Buffer.concat([header, message.subarray(12, end), ...records]);
}

/** Names above those that are there are there as well (RFC 8020). */
const hasBelow = (name: string, { services, addresses }: Zone) =>
  [...Object.keys(services), ...Object.keys(addresses)].some((known) => known.endsWith(`.${name}`));

function dataOf(name: string, type: string | undefined, zone: Zone): Uint8Array[] {
  if (type === 'SRV') return (zone.services[name] ?? []).map(serviceBytes);
  const addresses = (zone.addresses[name] ?? []).filter((address) => isIPv4(address) === (type === 'A'));
  return type === 'A' || type === 'AAAA' ? addresses.map(addressBytes) : [];
}

function serviceBytes({ name, port, priority, weight }: ServiceRecord): Uint8Array {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(priority, 0);
  head.writeUInt16BE(weight, 2);
  head.writeUInt16BE(port, 4);
  return Buffer.concat([head, nameBytes(name)]);
}

function nameBytes(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  const encoded = labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...encoded, Buffer.from([0])]);
}
