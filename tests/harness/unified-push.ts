import { randomBytes } from 'node:crypto';
import { type PushPayload, parsePushPayload } from '../../src/services/unified-push/push-payload.js';
import { createUnifiedPush, type UnifiedPushOptions } from '../../src/services/unified-push/service.js';
import type { TokenBackendName } from '../../src/services/unified-push/tokens/backend.js';
import { createTokens } from '../../src/services/unified-push/tokens/tokens.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { FakeHost } from './fake-host.js';
import { memoryStores } from './memory-stores.js';
import { recordingEvents } from './recording-events.js';

export const application = '8xbqhS2I8Bp2pMfMlPiDKRb3E8Wb4yLxf2WxJq0nZ3I=';
export const instance = 'wR3pyyvOqJ0o3vKZ8nLrYxk1QGmVtHeSBbT7uD9cFiU=';
/** The device that registers unless a test says otherwise. */
export const phone = 'ana@example.org/phone-7';
/** When the clock of the service begins, in Unix milliseconds. */
export const start = Date.UTC(2026, 8, 7, 12);

type ServiceSettings = Partial<UnifiedPushOptions> & { backend?: TokenBackendName };

/** The service on a host and stores in memory, with a clock that the test moves; the `storage` backend by default. */
export async function setUpUnifiedPush({ backend = 'storage', ...settings }: ServiceSettings = {}) {
  const host = new FakeHost();
  const stores = memoryStores();
  const { events, recorded } = recordingEvents();
  const clock = { time: start };
  const now = () => clock.time;
  const tokens = await createTokens({ ...stores, backend, secret: 'throw-away', now, randomBytes });
  const service = createUnifiedPush({
    host,
    tokens,
    acl: [Jid.parse('example.org')],
    publicUrl: 'https://push.example.org',
    registrationTtl: 86400,
    pushTimeout: 30,
    rateLimit: 0,
    now,
    randomBytes,
    events,
    ...settings,
  });
  const register = (from = phone, attrs: Record<string, string> = { application, instance }) =>
    host.receiveIq('set', from, el('register', ns.unifiedPush, attrs));
  const registerToken = async () => tokenOf(await register());
  return { host, stores, recorded, clock, service, register, registerToken };
}

/** The token in the endpoint of a `<registered/>`. */
export function tokenOf(registered: Element | undefined): string {
  return registered?.attr('endpoint')?.split('/push/')[1] ?? '';
}

/** A payload; 11 bytes if no text is given. */
export function payload(text = 'hello world'): PushPayload {
  const parsed = parsePushPayload(Buffer.from(text));
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}
