import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Finding } from './finding.js';
import { explainUnreachable } from './unreachable.js';

const what = 'TLS';
const timeout = 10_000;
const day = 24 * 60 * 60 * 1000;
/** Certificates are renewed 30 days before their end as a rule: with less than this left something is stuck. */
const warningDays = 14;

/** A server's certificate as a client with the usual authorities judges it. */
interface Certificate {
  /** Unix milliseconds. */
  readonly validTo: number;
  /** Why clients will not trust it; undefined if they will. */
  readonly problem?: string;
}

export type CertificateResult = Certificate | { readonly error: Error };

/** Whether app servers can trust the public URL. Without TLS, endpoints and payloads are readable on the way. */
export async function checkTls(
  publicUrl: string,
  now: number,
  read: (url: URL) => Promise<CertificateResult> = readCertificate,
): Promise<Finding> {
  const url = new URL(publicUrl);
  if (url.protocol === 'http:') return withoutTls(url);
  const certificate = await read(url);
  return 'error' in certificate ? withoutCertificate(url, certificate.error) : judge(url, certificate, now);
}

function withoutCertificate({ host }: URL, error: Error): Finding {
  const { code, remedy } = explainUnreachable(error);
  if (remedy !== undefined)
    return { status: 'failed', what, text: `${host} cannot be reached (${code})`, remedy };
  return {
    status: 'failed',
    what,
    text: `${host} gives no certificate: ${error.message}`,
    remedy: 'Check that http.public_url names the port of the reverse proxy that speaks TLS.',
  };
}

function withoutTls({ hostname }: URL): Finding {
  const isLocal = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  if (isLocal) {
    return {
      status: 'warning',
      what,
      text: 'none, and the public URL can be reached from this machine alone',
      remedy: 'Set http.public_url to what app servers elsewhere can reach.',
    };
  }
  return {
    status: 'warning',
    what,
    text: 'http.public_url has no TLS: endpoints can be read on the way, and whoever knows one can push',
    remedy: 'Give the reverse proxy a certificate and set an https URL.',
  };
}

function judge({ host }: URL, { problem, validTo }: Certificate, now: number): Finding {
  const days = Math.floor((validTo - now) / day);
  if (problem !== undefined) {
    const text = `the certificate of ${host} is not trusted (${problem})`;
    return { status: 'failed', what, text, remedy: remedyFor(problem) };
  }
  if (days < warningDays) {
    const text = `the certificate of ${host} ends in ${days} days`;
    return { status: 'warning', what, text, remedy: 'Check that its renewal works.' };
  }
  return { status: 'ok', what, text: `the certificate of ${host} is valid for ${days} more days` };
}

function remedyFor(problem: string): string {
  switch (problem) {
    case 'CERT_HAS_EXPIRED':
      return 'Renew it, and have the reverse proxy load the new one.';
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'Have the reverse proxy send the intermediate certificates too (fullchain.pem).';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'It is for another name: get one for the host of http.public_url.';
    default:
      return 'Get one from an authority that app servers know.';
  }
}

/** Shakes hands and looks at the certificate; never rejects. `ca` stands in for the usual authorities. */
export function readCertificate(url: URL, ca?: string): Promise<CertificateResult> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? 443 : Number(url.port);
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
      rejectUnauthorized: false,
    });
    const end = (result: CertificateResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeout, () => end({ error: new Error('timeout') }));
    socket.once('error', (error) => end({ error }));
    socket.once('secureConnect', () => end(certificateOf(socket)));
  });
}

function certificateOf(socket: TLSSocket): Certificate {
  const validTo = Date.parse(socket.getPeerCertificate().valid_to);
  if (socket.authorized) return { validTo };
  // Node's types say Error; at run time it is the code as text.
  const reason: unknown = socket.authorizationError;
  const code = reason instanceof Error && 'code' in reason ? reason.code : reason;
  return { validTo, problem: String(code) };
}
