import type { Guard } from '../../net/guard.js';
import type { PushRequest, Sender, SendOutcome } from '../request.js';
import type { Vapid } from '../vapid.js';
import { defaultSenderLimits, type SenderLimits } from './limits.js';

export interface SenderOptions {
  readonly guard: Guard;
  readonly vapid: Pick<Vapid, 'authorization'>;
  /** PEM of authorities that count beside the well-known ones. */
  readonly ca?: readonly string[];
  readonly userAgent: string;
  readonly limits?: Partial<SenderLimits>;
}

export function createSender(options: SenderOptions): Sender {
  const limits = { ...defaultSenderLimits, ...options.limits };
  return {
    send: async (_request: PushRequest): Promise<SendOutcome> => ({
      kind: 'retry',
      reason: `Nothing is sent yet (${limits.origins}).`,
      isUnreachable: true,
    }),
    stop: async () => {},
  };
}
