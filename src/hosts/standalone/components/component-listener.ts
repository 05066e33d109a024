import type { Socket } from 'node:net';
import type { Events } from '../../../observability/events.js';
import { Jid } from '../../../xmpp/jid.js';
import { RandomText } from '../../../xmpp/random-text.js';
import { AddressCache } from '../address-cache.js';
import { Registry } from '../connections/registry.js';
import {
  formatAddress,
  type ListenAddress,
  listenTcp,
  type TcpListener,
} from '../connections/tcp-listener.js';
import type { Server } from '../module.js';
import { ComponentPlace } from './component-place.js';
import { type ComponentContext, ComponentStream } from './component-stream.js';
import { type ComponentLimits, defaultComponentLimits } from './limits.js';

export interface ComponentListenerOptions {
  readonly listen: ListenAddress;
  /** The components that may connect: secret by domain, in prepared form. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly server: Pick<Server, 'domain' | 'attach' | 'advertise' | 'route' | 'clock' | 'randomBytes'>;
  readonly events: ComponentContext['events'] & Pick<Events, 'listening' | 'componentAwaited'>;
  readonly limits?: Partial<ComponentLimits>;
}

/** Where external components connect (XEP-0114). */
export interface ComponentListener {
  /** With the real port; undefined until `start` has resolved. */
  readonly address: ListenAddress | undefined;
  /** Listens. Rejects if it cannot. */
  start(): Promise<void>;
  /** Listens no more, ends all connections with `system-shutdown`, and resolves when they are closed, within a bound. */
  stop(): Promise<void>;
}

/**
 * Makes the domains of the components part of the server, at once: stanzas for those that are not connected go back to
 * their senders.
 * @throws if one of them is a domain of the server already
 */
export function createComponentListener(options: ComponentListenerOptions): ComponentListener {
  const { server, events } = options;
  const context = createContext(options);
  for (const place of context.places.values()) attach(place, server);
  let listener: TcpListener | undefined;
  return {
    get address() {
      return listener?.address;
    },
    async start() {
      listener = await listenTcp({
        listen: options.listen,
        onConnection(socket, client) {
          const reason = context.registry.refusal(client);
          if (reason === undefined) return accept(context, socket, client);
          socket.destroy();
          events.componentRefused({ client, reason });
        },
        onError: (error) => events.handlerFailed({ what: 'component listener', error }),
      });
      events.listening({ what: 'components', address: formatAddress(listener.address) });
      for (const domain of context.places.keys()) events.componentAwaited({ domain });
    },
    async stop() {
      listener?.close();
      await context.registry.close();
    },
  };
}

function accept(context: ComponentContext, socket: Socket, client: string): void {
  const stream = new ComponentStream(context, socket, client);
  context.registry.add(stream);
  stream.start();
}

function createContext({
  server,
  secrets,
  events,
  limits: given,
}: ComponentListenerOptions): ComponentContext {
  const limits = { ...defaultComponentLimits, ...given };
  const route = server.route.bind(server);
  const places = [...secrets].map(([domain, secret]) => new ComponentPlace(domain, secret, route));
  return {
    domain: server.domain.toString(),
    places: new Map(places.map((place) => [place.domain, place])),
    addresses: new AddressCache(limits.addresses),
    route,
    registry: new Registry<ComponentStream>({
      clock: server.clock,
      limits,
      maxConnectionsPerAddress: 0,
      events: { connectionRefused: (event) => events.componentRefused(event) },
    }),
    streamIds: new RandomText(server.randomBytes),
    limits,
    events,
  };
}

function attach(place: ComponentPlace, server: ComponentListenerOptions['server']): void {
  const detach = server.attach(Jid.parse(place.domain), (stanza) => place.take(stanza));
  if (detach === undefined) throw new Error(`${place.domain} is a domain of this server already`);
  server.advertise({ items: [{ jid: place.domain }] });
}
