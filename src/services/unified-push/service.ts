import type { Host } from '../../hosts/host.js';
import type { Events } from '../../observability/events.js';
import type { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { compileAcl } from '../acl.js';
import { PushLimits } from './limits.js';
import { createPush, type Push } from './push.js';
import { createRegister } from './register.js';
import type { Tokens } from './tokens/tokens.js';

export interface UnifiedPushOptions {
  readonly host: Host;
  readonly tokens: Tokens;
  /** Who may register and be pushed to; see `acl.ts`. */
  readonly acl: readonly Jid[];
  /** Absolute URL without trailing slash under which `/push/…` is reached from outside; may have a path prefix. */
  readonly publicUrl: string;
  /** Seconds that a registration lasts. */
  readonly registrationTtl: number;
  /** Seconds that a push waits for the device's answer. */
  readonly pushTimeout: number;
  /** Pushes per minute and registration; 0 for no limit. */
  readonly rateLimit: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Events;
}

export interface UnifiedPush {
  readonly push: Push;
  /** Replaces the list. Who is no longer on it gets no pushes, but its registrations stay, should it come back. */
  setAcl(acl: readonly Jid[]): void;
  /** Lets go of what is held in memory; pushes under way still end. */
  stop(): void;
}

const underWayEach = 100;
const underWayInAll = 10_000;
const countedKeys = 50_000;

/**
 * The UnifiedPush provider on a host: devices register by IQ and get an endpoint; what an application server sends there
 * goes to the device, and the device's answer back. Protocol: http://gultsch.de/xmpp/drafts/unified-push.
 */
export function createUnifiedPush(options: UnifiedPushOptions): UnifiedPush {
  const { host, rateLimit } = options;
  const limits = new PushLimits({ perMinute: rateLimit, underWayEach, underWayInAll, countedKeys });
  let current = compileAcl(options.acl);
  const acl = () => current;

  host.onIq({ type: 'set', ns: ns.unifiedPush, name: 'register' }, createRegister({ ...options, acl }));
  host.advertise({ features: [ns.unifiedPush] });

  return {
    push: createPush({ ...options, acl, limits }),
    setAcl(entries) {
      current = compileAcl(entries);
    },
    stop: () => limits.close(),
  };
}
