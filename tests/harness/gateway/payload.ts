import { z } from 'zod';
import type { ReceivedPush } from '../push-service.js';

/** What a browser is told of a publish (docs/web-push.md). */
const payloadSchema = z.strictObject({
  v: z.literal(1),
  account: z.string(),
  count: z.number().optional(),
  importance: z.enum(['important', 'unimportant']),
  kind: z.string(),
  conversation: z.string().optional(),
  sender: z.string().optional(),
  body: z.string().optional(),
  requests: z.number().optional(),
});
export type GatewayPayload = z.infer<typeof payloadSchema>;

/** A request of a push service in short: its urgency, and what the browser reads. */
export interface Told {
  readonly urgency: string;
  readonly payload: GatewayPayload;
}

/** Throws if the browser can make nothing of it. */
export function toldBy({ headers, payload }: ReceivedPush): Told {
  return { urgency: String(headers['urgency'] ?? 'normal'), payload: readPayload(payload) };
}

/** Throws if that is not what a browser is told. */
export function readPayload(text: string | undefined): GatewayPayload {
  return payloadSchema.parse(JSON.parse(text ?? ''));
}
