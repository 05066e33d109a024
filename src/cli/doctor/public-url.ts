import type { Config } from '../../config/config.js';
import { formatAddress } from '../format-address.js';
import type { Finding } from './finding.js';
import { type HttpAnswer, type HttpResult, jsonObject } from './http-get.js';
import { explainUnreachable } from './unreachable.js';

const what = 'public URL';

/** The address below the public URL that is asked. */
export function probeUrl({ publicUrl }: Pick<Config['http'], 'publicUrl'>): URL {
  return new URL(`${publicUrl}/push/doctor`);
}

/** Whether an answer to `probeUrl` shows that requests from outside reach the process called `instance`. */
export function checkPublicUrl(config: Config, result: HttpResult, instance: string): Finding {
  const url = probeUrl(config.http).href;
  if ('error' in result) return unreachable(url, result.error);
  const { status, headers } = result;
  if (status >= 300 && status < 400) {
    return failed(
      `${url} redirects to ${headers.location ?? 'nowhere'}, which app servers do not follow`,
      'Set http.public_url to the address without the redirect.',
    );
  }
  if (status === 502 || status === 503 || status === 504) {
    return failed(
      `${url} answers ${status}: the reverse proxy does not reach Belfry`,
      `Send /push/ to ${formatAddress(config.http.listen)} in the proxy, and check that it may connect there.`,
    );
  }
  if (!isDiscovery(result)) return notBelfry(config, url, result);
  return compareInstance(config, url, headers['x-belfry-instance'], instance);
}

function failed(text: string, remedy: string): Finding {
  return { status: 'failed', what, text, remedy };
}

function unreachable(url: string, error: Error): Finding {
  const { code, remedy } = explainUnreachable(error);
  return failed(
    `${url} cannot be reached (${code})`,
    remedy ?? 'Check http.public_url, the reverse proxy and the network.',
  );
}

/** The discovery document of UnifiedPush: `{"unifiedpush":{"version":1}}`. */
function isDiscovery(answer: HttpAnswer): boolean {
  const { unifiedpush } = jsonObject(answer) ?? {};
  return (
    answer.status === 200 &&
    typeof unifiedpush === 'object' &&
    unifiedpush !== null &&
    'version' in unifiedpush &&
    unifiedpush.version === 1
  );
}

function notBelfry(config: Config, url: string, { status, headers }: HttpAnswer): Finding {
  const by = headers.server === undefined ? '' : ` (${headers.server})`;
  return failed(
    `${url} answers ${status} from something else than Belfry${by}`,
    `Send /push/ below the public URL to ${formatAddress(config.http.listen)} in the reverse proxy, with its path unchanged.`,
  );
}

function compareInstance(
  config: Config,
  url: string,
  seen: string | string[] | undefined,
  instance: string,
): Finding {
  if (seen === instance) return { status: 'ok', what, text: `${url} leads here` };
  if (seen === undefined) {
    return failed(
      `${url} is answered by another UnifiedPush provider`,
      `Send /push/ to ${formatAddress(config.http.listen)} in the reverse proxy instead, and let X-Belfry-Instance pass.`,
    );
  }
  const text = `${url} is answered by another Belfry process`;
  return config.storage.kind === 'postgres'
    ? {
        status: 'warning',
        what,
        text,
        remedy:
          'That is right only if this one stands by for it, under the same name and with the same database.',
      }
    : failed(
        text,
        `Send /push/ to ${formatAddress(config.http.listen)} in the reverse proxy, or stop the other process.`,
      );
}
