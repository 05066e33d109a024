import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { binaryAnswer, emptyAnswer } from '../answer.js';
import type { Refuse, Respond } from '../respond.js';
import { addResource } from './resource.js';

export interface DemoRouteOptions {
  readonly respond: Respond;
  readonly refuse: Refuse;
}

/** The folder of the browser side, from the sources as from what is built of them. */
const folder = new URL('../../../clients/web/', import.meta.url);

const script = 'text/javascript; charset=utf-8';

/** What there is below `/demo/`, by name: the file, and its type. Nothing else can be asked for. */
const files = {
  '': ['demo/index.html', 'text/html; charset=utf-8'],
  'demo.css': ['demo/demo.css', 'text/css; charset=utf-8'],
  'demo.js': ['demo/demo.js', script],
  'view.js': ['demo/view.js', script],
  'connection.js': ['demo/connection.js', script],
  'scram.js': ['demo/scram.js', script],
  'icon.svg': ['demo/icon.svg', 'image/svg+xml'],
  'icon.png': ['demo/icon.png', 'image/png'],
  'manifest.webmanifest': ['demo/manifest.webmanifest', 'application/manifest+json'],
  'belfry-push.js': ['belfry-push.js', script],
  'belfry-push-xmpp.js': ['belfry-push-xmpp.js', script],
  'belfry-push-worker.js': ['belfry-push-worker.js', script],
} as const;

/** The page and its worker load and ask nothing but this server, and are shown in no other page. */
const headers = {
  'content-security-policy': [
    "default-src 'none'",
    ...['script', 'style', 'img', 'connect', 'manifest', 'worker'].map((kind) => `${kind}-src 'self'`),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
} as const;

/**
 * The page on which a person sees Web Push at work (`clients/web/demo`). Its files are read once, at the start.
 * @throws {Error} if one of them is missing
 */
export function demoRoutes(app: FastifyInstance, { respond, refuse }: DemoRouteOptions): void {
  for (const [name, [path, type]] of Object.entries(files)) {
    const answer = binaryAnswer(200, type, readFileSync(new URL(path, folder)), headers);
    addResource(app, `/demo/${name}`, { GET: (request, reply) => respond(request, reply, answer) }, refuse);
  }
  // Relative, because only the browser knows what a proxy has put before it.
  const moved = emptyAnswer(308, { location: 'demo/' });
  addResource(app, '/demo', { GET: (request, reply) => respond(request, reply, moved) }, refuse);
}
