import { fileURLToPath } from 'node:url';
import { hasEjabberd, startEjabberd } from '../ejabberd.js';
import { hasProsody, type ProsodyOptions, startProsody } from '../prosody.js';
import type { XmppServer, XmppServerOptions } from '../xmpp-server.js';
import type { GatewayPayload } from './payload.js';

/** What a server tells app servers. */
export interface PushingOptions extends XmppServerOptions {
  /** What messages say, and who has sent them; it does not, unless it is told to. */
  readonly isTalkative?: boolean;
}

/** A server that publishes to app servers (XEP-0357). */
export interface PushingKind {
  readonly name: string;
  readonly isInstalled: boolean;
  readonly start: (options: PushingOptions) => Promise<XmppServer>;
  /** What it says instead of a message. */
  readonly importantBody: string;
  /** What browsers are told that way of what is no message. */
  readonly unimportant: Pick<GatewayPayload, 'count' | 'kind'>;
  /** Errors in a row, of those that are no `wait`, after which it gives up. */
  readonly patience: number;
  /** Whether it still publishes to an app server after that was not there once. */
  readonly isFaithful: boolean;
  /** Whether it sends nothing more to a node of an account, for what an app server has answered. */
  readonly hasGivenUp: (server: XmppServer, bare: string, node: string) => boolean;
}

const ownModules = fileURLToPath(new URL('prosody-modules', import.meta.url));

/** Prosody that pushes; `more` modules are found among those of the tests, too. */
export function startPushingProsody(
  { isTalkative = false, ...options }: PushingOptions,
  more: readonly string[] = [],
): Promise<XmppServer> {
  const prosodyOptions: ProsodyOptions = {
    ...options,
    modules: ['smacks', 'mam', 'carbons', 'csi_simple', 'cloud_notify', ...more],
    settings: `
plugin_paths = { ${JSON.stringify(ownModules)} }
push_notification_with_body = ${isTalkative}
push_notification_with_sender = ${isTalkative}`,
  };
  return startProsody(prosodyOptions);
}

const startPushingEjabberd = ({ isTalkative = false, ...options }: PushingOptions) =>
  startEjabberd({
    ...options,
    modules: {
      mod_push: isTalkative ? { include_body: true, include_sender: true } : {},
      mod_push_keepalive: {},
      mod_stream_mgmt: {},
      mod_mam: { default: 'always' },
      mod_offline: {},
      mod_carboncopy: {},
    },
  });

/** Every server that Belfry is tested as an app server of. */
export const pushingKinds: readonly PushingKind[] = [
  {
    name: 'prosody',
    isInstalled: hasProsody,
    start: startPushingProsody,
    importantBody: 'New Message!',
    // Whatever there is, it says that it is one message.
    unimportant: { count: 1, kind: 'message' },
    patience: 16,
    isFaithful: true,
    hasGivenUp: (server, _bare, node) =>
      new RegExp(`Disabling push notifications for identifier '[^']*<${node}'`).test(server.log()),
  },
  {
    name: 'ejabberd',
    isInstalled: hasEjabberd,
    start: startPushingEjabberd,
    importantBody: 'New message',
    unimportant: { count: 0, kind: 'other' },
    patience: 1,
    // It takes its own error for one of the app server's.
    isFaithful: false,
    hasGivenUp: (server, bare, node) =>
      server.log().includes(`rejected notification for ${bare} (${node}), disabling push`),
  },
];
