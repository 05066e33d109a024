import type { Config, StandaloneConfig } from '../../config/config.js';
import type { Finding } from './finding.js';
import { isLoopback } from './local-address.js';

const what = 'configuration';

/** What is valid but worth a second look; who may register is shown because its default is easily not what is meant. */
export function checkConfiguration({ unifiedPush, host }: Config, file: string | undefined): Finding[] {
  const { acl, backend, secret = '' } = unifiedPush;
  const source = file ?? 'environment and defaults';
  const findings: Finding[] =
    acl.length > 0
      ? [{ status: 'ok', what, text: `${source}; may register: ${acl.join(', ')}` }]
      : [
          {
            status: 'warning',
            what,
            text: `${source}; nobody may register`,
            remedy: 'List domains in unified_push.acl.',
          },
        ];
  if (backend === 'jwt' && Buffer.byteLength(secret) < 32) {
    findings.push({
      status: 'warning',
      what,
      text: 'unified_push.secret is shorter than the 32 bytes that RFC 7518 asks for',
      remedy: 'Make a new one when no endpoint of the old one is in use: openssl rand -base64 32.',
    });
  }
  return [...findings, ...(host.kind === 'standalone' ? openDoors(host) : [])];
}

/** Where strangers and listeners on the way come in. */
function openDoors({ requireEncryption, registration, c2s, components }: StandaloneConfig): Finding[] {
  const findings: Finding[] = [];
  if (!requireEncryption && c2s !== undefined && !isLoopback(c2s.host)) {
    findings.push({
      status: 'warning',
      what,
      text: 'standalone.require_encryption is false, and passwords may cross the network in clear',
      remedy: 'Set it to true, or listen on 127.0.0.1.',
    });
  }
  if (registration === 'open') {
    findings.push({
      status: 'warning',
      what,
      text: 'standalone.registration is open: anybody who connects may make accounts, and senders of spam do',
      remedy: 'Close it unless that is what you want.',
    });
  }
  if (components !== undefined && !isLoopback(components.listen.host)) {
    findings.push({
      status: 'warning',
      what,
      text: 'standalone.components.listen is open to other machines, and what components send and get is not encrypted',
      remedy: 'Listen on 127.0.0.1, or on a network of your own.',
    });
  }
  return findings;
}
