import type { Events } from '../../../observability/events.js';
import {
  formatAddress,
  type ListenAddress,
  listenTcp,
  type TcpListener,
} from '../connections/tcp-listener.js';
import type { IncomingStreams } from './incoming-streams.js';

export interface S2sListenersOptions {
  /** Where servers connect and use STARTTLS. */
  readonly listen: ListenAddress;
  /** Where servers connect with TLS from the first byte (XEP-0368); undefined for nowhere. */
  readonly listenDirectTls: ListenAddress | undefined;
  readonly streams: Pick<IncomingStreams, 'accept'>;
  readonly events: Pick<Events, 'listening' | 'handlerFailed'>;
}

/** Where other servers come in. */
export interface S2sListeners {
  /** With the real ports; empty until `open` has resolved. */
  readonly addresses: { readonly s2s?: ListenAddress; readonly s2sDirectTls?: ListenAddress };
  /** Rejects if an address cannot be had; then nothing listens. */
  open(): Promise<void>;
  /** Takes no more connections; those that are open stay. */
  close(): void;
}

export function createS2sListeners(options: S2sListenersOptions): S2sListeners {
  const { streams, events } = options;
  const listeners: TcpListener[] = [];
  const addresses: { s2s?: ListenAddress; s2sDirectTls?: ListenAddress } = {};
  const listen = async (address: ListenAddress, isDirectTls: boolean) => {
    const listener = await listenTcp({
      listen: address,
      onConnection: (socket) => streams.accept(socket, isDirectTls),
      onError: (error) => events.handlerFailed({ what: 's2s listener', error }),
    });
    listeners.push(listener);
    addresses[isDirectTls ? 's2sDirectTls' : 's2s'] = listener.address;
    const what = isDirectTls ? 's2s, direct TLS' : 's2s';
    events.listening({ what, address: formatAddress(listener.address) });
  };
  const close = () => {
    for (const listener of listeners.splice(0)) listener.close();
  };
  return {
    addresses,
    async open() {
      try {
        await listen(options.listen, false);
        if (options.listenDirectTls !== undefined) await listen(options.listenDirectTls, true);
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
}
