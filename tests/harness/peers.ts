import type { ConnectClient } from './distributor.js';
import { hasEjabberd, startEjabberd } from './ejabberd.js';
import { hasProsody, startProsody } from './prosody.js';
import { connectSlixmpp, hasSlixmpp } from './slixmpp-client.js';
import { connectXmppJs } from './xmpp-js-client.js';
import type { XmppServer, XmppServerOptions } from './xmpp-server.js';

export interface ServerKind {
  readonly name: string;
  readonly isInstalled: boolean;
  readonly start: (options: XmppServerOptions) => Promise<XmppServer>;
}

/** Every server that Belfry is tested as a component of. */
export const serverKinds: readonly ServerKind[] = [
  { name: 'prosody', isInstalled: hasProsody, start: startProsody },
  { name: 'ejabberd', isInstalled: hasEjabberd, start: startEjabberd },
];

export interface ClientKind {
  readonly name: string;
  readonly isInstalled: boolean;
  readonly connect: ConnectClient;
}

/** Every library that a distributor is built on. */
export const clientKinds: readonly ClientKind[] = [
  { name: 'slixmpp', isInstalled: hasSlixmpp, connect: connectSlixmpp },
  { name: 'xmpp.js', isInstalled: true, connect: connectXmppJs },
];
