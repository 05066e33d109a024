import type { FastifyInstance } from 'fastify';
import { type Answer, jsonAnswer, textAnswer } from '../answer.js';
import type { Refuse, Respond } from '../respond.js';
import { addResource } from './resource.js';

export interface WebSocketRouteOptions {
  readonly publicUrl: string;
  readonly respond: Respond;
  readonly refuse: Refuse;
}

/** What clients that look for a WebSocket look for (XEP-0156 §3). */
const relation = 'urn:xmpp:alt-connections:websocket';

/** Pages of other origins are clients too, and there is no authority in a cookie that they could abuse. */
const anyOrigin = { 'access-control-allow-origin': '*' };

/** Where the WebSocket is (XEP-0156), and what it answers to those who do not ask for one. */
export function webSocketRoutes(
  app: FastifyInstance,
  { publicUrl, respond, refuse }: WebSocketRouteOptions,
): void {
  const href = `${publicUrl.replace(/^http/, 'ws')}/xmpp-websocket`;
  const get = (url: string, answer: Answer) =>
    addResource(app, url, { GET: (request, reply) => respond(request, reply, answer) }, refuse);
  get('/.well-known/host-meta', textAnswer(200, 'application/xrd+xml', hostMeta(href), anyOrigin));
  get('/.well-known/host-meta.json', jsonAnswer(200, { links: [{ rel: relation, href }] }, anyOrigin));
  addResource(
    app,
    '/xmpp-websocket',
    { GET: (request, reply) => refuse(request, reply, 'upgrade-required', { upgrade: 'websocket' }) },
    refuse,
  );
}

/** RFC 6415 §3. */
const hostMeta = (href: string) =>
  `<?xml version='1.0' encoding='utf-8'?>\n` +
  `<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>\n` +
  `  <Link rel='${relation}' href='${href.replaceAll('&', '&amp;').replaceAll("'", '&apos;')}'/>\n` +
  '</XRD>\n';
