import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { StandaloneConfig } from '../../config/config.js';
import type { Finding } from './finding.js';

const what = 'certificate';
const day = 24 * 60 * 60 * 1000;
/** As for the public URL: renewals happen 30 days before the end as a rule. */
const warningDays = 14;

/** Whether clients can trust the certificate that they are shown: its time, its names, its key. `now` is Unix time in ms. */
export function checkCertificate({ domain, tls }: StandaloneConfig, now: number): Finding {
  if (tls === undefined) return selfSigned(domain.domain);
  try {
    const certificate = new X509Certificate(readFileSync(tls.cert));
    if (!certificate.checkPrivateKey(createPrivateKey(readFileSync(tls.key)))) {
      return failed(
        `${tls.key} is not the key of ${tls.cert}`,
        'Name the two files that were made together.',
      );
    }
    return judge(certificate, domain.domain, now);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failed(
      `it cannot be read: ${reason}`,
      'Check standalone.tls.cert and standalone.tls.key: PEM without a password, readable by the user that Belfry runs as.',
    );
  }
}

function selfSigned(domain: string): Finding {
  const text = 'Belfry makes one for itself, which no client knows';
  if (domain === 'localhost' || domain.endsWith('.localhost')) return { status: 'ok', what, text };
  return { status: 'warning', what, text, remedy: getOne(domain) };
}

function getOne(domain: string): string {
  return `Get one for ${domain} (certbot, acme.sh), and set standalone.tls.cert and standalone.tls.key.`;
}

function judge(certificate: X509Certificate, domain: string, now: number): Finding {
  const days = Math.floor((Date.parse(certificate.validTo) - now) / day);
  if (certificate.checkHost(domain) === undefined && certificate.checkIP(domain) === undefined) {
    const names = certificate.subjectAltName ?? certificate.subject;
    return failed(`it is not for ${domain}, but for ${names}`, `Get one whose names have ${domain}.`);
  }
  if (Date.parse(certificate.validFrom) > now) {
    return failed(`it begins at ${certificate.validFrom} only`, 'Check the clock, or wait.');
  }
  if (days < 0) return failed(`it ended at ${certificate.validTo}`, 'Renew it, and send Belfry a SIGHUP.');
  if (days < warningDays) {
    return {
      status: 'warning',
      what,
      text: `it ends in ${days} days`,
      remedy: 'Check that its renewal works.',
    };
  }
  if (certificate.issuer === certificate.subject) {
    return {
      status: 'warning',
      what,
      text: 'it is self-signed: clients ask, or refuse',
      remedy: getOne(domain),
    };
  }
  return { status: 'ok', what, text: `it is for ${domain}, and valid for ${days} more days` };
}

function failed(text: string, remedy: string): Finding {
  return { status: 'failed', what, text, remedy };
}
