import { connect, type Socket } from 'node:net';
import { LineReader } from './lines.js';
import { ControlError, type ControlRequest, parseLine, writeLine } from './protocol.js';
import { socketAddress } from './socket-path.js';

/** Milliseconds without a word from the server; more than it takes itself to give up an answer that does not go on. */
const silence = 75_000;

/** Asks one thing of a running server. */
export interface ControlClient {
  /**
   * Hands over the items of the answer as they come, and resolves when it is complete. Only once.
   * @throws {ControlError} what the server says, or that it broke off
   */
  ask(request: ControlRequest, onItem: (item: string) => void): Promise<void>;
  close(): void;
}

/**
 * Connects to the control socket at that path; undefined if no server listens there.
 * @throws {ControlError} if the path is too long or the socket another user's
 */
export async function connectControl(path: string): Promise<ControlClient | undefined> {
  const socket = await open(socketAddress(path), path);
  return socket && { ask: (request, onItem) => ask(socket, request, onItem), close: () => socket.destroy() };
}

function open(address: string, path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once('connect', () => resolve(socket.off('error', refuse)));
    const refuse = (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return resolve(undefined);
      const reason = error.code === 'EACCES' ? 'it belongs to another user' : error.message;
      reject(new ControlError(`The control socket ${path} cannot be used: ${reason}.`));
    };
    socket.once('error', refuse);
  });
}

function ask(socket: Socket, request: ControlRequest, onItem: (item: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      reject(new ControlError(reason));
      socket.destroy();
    };
    const reader = new LineReader((text) => {
      const line = parseLine(text);
      if (line === undefined) fail('The server answered with something else than an answer.');
      else if ('item' in line) onItem(line.item);
      else if ('done' in line) resolve();
      else fail(line.failed);
    });
    socket.on('data', (bytes: Buffer) => {
      if (!reader.write(bytes)) fail('The server answered with a line that is too long.');
    });
    socket.on('error', (error) => fail(`The control socket failed: ${error.message}.`));
    socket.on('close', () => fail('The server broke off before it had answered.'));
    socket.setTimeout(silence, () => fail(`The server said nothing for ${silence / 1000} seconds.`));
    socket.write(writeLine(request));
  });
}
