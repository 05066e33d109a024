import type { Element } from './element.js';
import { ns } from './ns.js';

/** Whether a message invites into a room: directly (XEP-0249), or by the room (XEP-0045 §7.8.2). */
export function isInvitation(message: Element): boolean {
  if (message.child('x', ns.directInvitation) !== undefined) return true;
  return message.child('x', ns.mucUser)?.child('invite') !== undefined;
}
