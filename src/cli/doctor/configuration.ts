import type { Config } from '../../config/config.js';
import type { Finding } from './finding.js';

const what = 'configuration';

/** What is valid but worth a second look; who may register is shown because its default is easily not what is meant. */
export function checkConfiguration({ unifiedPush }: Config, file: string | undefined): Finding[] {
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
  return findings;
}
