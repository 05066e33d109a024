import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Element } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { StreamParser } from '../../src/xmpp/parser.js';

export const carriers = ['tcp', 'websocket'] as const;
export type Carrier = (typeof carriers)[number];

/** A connection that carries elements. */
export interface Line {
  readonly socket: Socket;
  readonly header: string;
  write(text: string): void;
  listen(onElement: (element: Element) => void): void;
  /** What comes next is a new stream. */
  restart(): void;
}

export async function openTcp(port: number, domain: string): Promise<Line> {
  const socket = await openSocket(port);
  let parser: StreamParser | undefined;
  let hear: (element: Element) => void = () => {};
  const restart = () => {
    parser?.stop();
    parser = new StreamParser({ onOpen() {}, onStanza: (element) => hear(element), onClose() {} });
  };
  restart();
  return {
    socket,
    write: (text) => void socket.write(text),
    header: `<stream:stream xmlns='${ns.client}' xmlns:stream='${ns.streams}' to='${domain}' version='1.0'>`,
    restart,
    listen(onElement) {
      hear = onElement;
      socket.on('data', (bytes: Buffer) => parser?.write(bytes));
    },
  };
}

export async function openWebSocket(port: number, domain: string): Promise<Line> {
  const socket = await openSocket(port);
  const web = new WebSocket('ws://localhost', ['xmpp'], { createConnection: () => socket });
  web.on('error', () => {});
  await new Promise((resolve) => web.once('open', resolve));
  return {
    socket,
    write: (text) => web.send(text),
    header: `<open xmlns='${ns.framing}' to='${domain}' version='1.0'/>`,
    restart() {},
    listen(onElement) {
      const parser = new StreamParser({ onOpen() {}, onStanza: onElement, onClose() {} });
      parser.write(Buffer.from(`<s:stream xmlns:s='${ns.streams}'>`));
      web.on('message', (data: Buffer) => parser.write(data));
    },
  };
}

function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.on('error', () => {});
    socket.once('connect', () => resolve(socket));
  });
}
