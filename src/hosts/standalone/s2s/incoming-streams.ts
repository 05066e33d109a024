import type { Socket } from 'node:net';
import { ConnectionCounter } from '../connections/connection-counter.js';
import { Registry } from '../connections/registry.js';
import type { S2sContext } from './context.js';
import { IncomingStream } from './incoming-stream.js';

/** All streams that other servers have opened, within the bounds on those that have not authenticated. */
export interface IncomingStreams {
  /** Takes a connection over, or closes it. `isDirectTls`: TLS from the first byte (XEP-0368). */
  accept(socket: Socket, isDirectTls: boolean): void;
  /** The operator's rules have changed: ends those that would not be let in by them. */
  obey(): void;
  /** Takes no more and ends all with `system-shutdown`; resolves when the last is gone, or that takes too long. */
  close(): Promise<void>;
}

/** `maxConnectionsPerAddress`: 0 for no bound. */
export function createIncomingStreams(
  context: S2sContext,
  maxConnectionsPerAddress: number,
): IncomingStreams {
  const { clock, limits, events } = context;
  const refused = ({ client, reason }: { client: string; reason: string }) =>
    events.serverRefused({ client, reason });
  const registry = new Registry<IncomingStream>({
    clock,
    limits,
    maxConnectionsPerAddress,
    events: { connectionRefused: refused },
  });
  const verifying = new ConnectionCounter();
  return {
    accept(socket, isDirectTls) {
      const client = socket.remoteAddress;
      const reason = client === undefined ? undefined : registry.refusal(client);
      if (client !== undefined && reason === undefined) {
        registry.add(new IncomingStream(context, socket, { isDirectTls, registry, verifying }));
        return;
      }
      socket.destroy();
      if (client !== undefined && reason !== undefined) refused({ client, reason });
    },
    obey() {
      for (const stream of registry.streams) stream.obey();
    },
    close: () => registry.close(),
  };
}
