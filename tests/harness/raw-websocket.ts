import { randomBytes } from 'node:crypto';
import { openRawClient, type RawClient } from './c2s.js';

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  readonly opcode?: number;
  /** False: more of the message follows. */
  readonly isLast?: boolean;
  readonly isMasked?: boolean;
  /** As if it were compressed. */
  readonly hasReservedBit?: boolean;
  /** What the frame says of its length, if that is not true. */
  readonly claimedLength?: number;
}

/** A frame as clients send them (RFC 6455 §5.2), right or wrong. */
export function frame(payload: string | Uint8Array, options: FrameOptions = {}): Buffer {
  const { opcode = opcodes.text, isLast = true, isMasked = true, hasReservedBit = false } = options;
  const data = Buffer.from(payload);
  const first = (isLast ? 0x80 : 0) | (hasReservedBit ? 0x40 : 0) | opcode;
  const head = Buffer.concat([
    Buffer.from([first]),
    lengthBytes(options.claimedLength ?? data.length, isMasked),
  ]);
  if (!isMasked) return Buffer.concat([head, data]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, data.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

function lengthBytes(length: number, isMasked: boolean): Buffer {
  const flag = isMasked ? 0x80 : 0;
  if (length < 126) return Buffer.from([flag | length]);
  const bytes = Buffer.alloc(length < 65_536 ? 3 : 9);
  bytes[0] = flag | (bytes.length === 3 ? 126 : 127);
  if (bytes.length === 3) bytes.writeUInt16BE(length, 1);
  else bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}

/** A connection on which a WebSocket was asked for with these header fields; what comes back is kept as text. */
export async function upgrade(
  port: number,
  fields: Readonly<Record<string, string>> = {},
): Promise<RawClient> {
  const client = await openRawClient(port);
  const sent = {
    host: `127.0.0.1:${port}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': 'xmpp',
    ...fields,
  };
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
  return client.write(`GET /xmpp-websocket HTTP/1.1\r\n${lines.join('')}\r\n`);
}
