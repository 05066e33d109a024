import type { Config, StandaloneConfig } from '../../config/config.js';
import { type CertificateProblem, loadCertificate } from '../../hosts/standalone/tls/certificate.js';
import type { Finding } from './finding.js';
import { isOfThisMachine } from './local-address.js';

const what = 'certificate';
const day = 24 * 60 * 60 * 1000;

/** Whether clients can trust the certificate that they are shown: its time, its names, its key. `now` is Unix time in ms. */
export async function checkCertificate(
  { domain, tls }: StandaloneConfig,
  { dataDir }: Pick<Config, 'dataDir'>,
  now: number,
): Promise<Finding[]> {
  // Loading would make one, and it would belong to whoever runs the doctor.
  if (tls === undefined) return [selfSigned(domain.domain)];
  try {
    const { problems, until } = await loadCertificate({ files: tls, dataDir, domain }, now);
    if (problems.length > 0) return problems.map(describe);
    const days = Math.floor((until.getTime() - now) / day);
    return [{ status: 'ok', what, text: `it is for ${domain}, and valid for ${days} more days` }];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const remedy = 'remedy' in error ? { remedy: String(error.remedy) } : {};
    return [{ status: 'failed', what, text: withoutStop(error.message), ...remedy }];
  }
}

function describe({ text, isRefused }: CertificateProblem): Finding {
  return { status: isRefused ? 'failed' : 'warning', what, text: withoutStop(text) };
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

function selfSigned(domain: string): Finding {
  const text = 'Belfry makes one for itself, which no client knows';
  if (isOfThisMachine(domain)) return { status: 'ok', what, text };
  const remedy = `Get one for ${domain} (certbot, acme.sh), and set standalone.tls.cert and standalone.tls.key.`;
  return { status: 'warning', what, text, remedy };
}
