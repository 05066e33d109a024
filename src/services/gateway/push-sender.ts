import type { PushSender } from '../web-push/web-push.js';

/** By what the queue for push services knows what is the gateway's. */
export const gatewayService = 'gateway';

/** The sender of what goes to a registration, by its node. */
export function gatewaySender(node: string): PushSender {
  return { service: gatewayService, reference: node };
}
