import { generateKeyPair, type KeyObject } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TlsError } from '../../../net/tls-error.js';
import type { Jid } from '../../../xmpp/jid.js';
import { asciiName, covers, type PemPair, parseKey, parseX509 } from './pem-pair.js';
import { selfSignedCertificate } from './self-signed.js';

export interface OwnCertificateOptions {
  readonly dataDir: string;
  /** What it is for, the server's own name first. */
  readonly domains: readonly Jid[];
  /** Unix time in milliseconds. */
  readonly now: number;
  readonly randomBytes: (size: number) => Uint8Array;
}

const dayMs = 24 * 60 * 60 * 1000;
const validityDays = 3_650;
const renewalDays = 30;

/**
 * The certificate that Belfry makes itself, in `tls.crt` and `tls.key` of the data directory. The key is made once and
 * stays; the certificate is made of it, and again when it is about to end or lacks a domain. Files appear
 * whole or not at all, and whoever comes first with the key has made it for all, so that several processes at once end
 * up with a certificate and a key that belong together.
 * @throws {TlsError} if the files cannot be read, written or used
 */
export async function ownCertificate(options: OwnCertificateOptions): Promise<PemPair> {
  const { dataDir, domains, now } = options;
  const keyFile = join(dataDir, 'tls.key');
  const certFile = join(dataDir, 'tls.crt');
  try {
    const key = { file: keyFile, text: (await readIfThere(keyFile)) ?? (await makeKey(options, keyFile)) };
    const privateKey = parseOwnKey(key);
    const present = await readIfThere(certFile);
    if (present !== undefined && isFit(present, privateKey, domains, now)) {
      return { key, cert: { file: certFile, text: present } };
    }
    const text = makeCertificate(options, privateKey);
    await writeWhole(certFile, text, 0o644, options, rename);
    return { key, cert: { file: certFile, text } };
  } catch (error) {
    if (error instanceof TlsError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TlsError(
      `Belfry's own certificate cannot be kept: ${reason}.`,
      'Check that Belfry may write in data_dir, or set standalone.tls.',
      { cause: error },
    );
  }
}

/** @throws {TlsError} unless it is a key as {@link makeKey} makes them */
function parseOwnKey(key: PemPair['key']): KeyObject {
  const privateKey = parseOrNone(() => parseKey(key));
  if (privateKey?.asymmetricKeyDetails?.namedCurve === 'prime256v1') return privateKey;
  throw new TlsError(
    `The key in ${key.file} is not one that Belfry has made.`,
    'For a certificate of your own set standalone.tls; or move the file away, and a new one is made.',
  );
}

function parseOrNone<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TlsError) return undefined;
    throw error;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes the key, or reads the one that another process has made meanwhile. */
async function makeKey(options: OwnCertificateOptions, file: string): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  await writeWhole(file, text, 0o600, options, linkUnlessThere);
  return readFile(file, 'utf8');
}

/** Gives a file a second name, which nobody else has given to another one before. */
async function linkUnlessThere(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** Writes to a file beside it, which `place` puts in its place when it is on disk. */
async function writeWhole(
  file: string,
  text: string,
  mode: number,
  { randomBytes }: OwnCertificateOptions,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const draft = `${file}.${Buffer.from(randomBytes(6)).toString('hex')}`;
  try {
    const handle = await open(draft, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

function isFit(text: string, privateKey: KeyObject, domains: readonly Jid[], now: number): boolean {
  const x509 = parseOrNone(() => parseX509({ file: 'tls.crt', text }));
  if (x509 === undefined || !x509.checkPrivateKey(privateKey)) return false;
  if (!domains.every((domain) => covers(x509, domain))) return false;
  return Date.parse(x509.validTo) - now > renewalDays * dayMs;
}

function makeCertificate({ domains, now, randomBytes }: OwnCertificateOptions, key: KeyObject): string {
  const names = domains.map(asciiName);
  return selfSignedCertificate({
    key,
    names: names[0] === 'localhost' ? [...names, '127.0.0.1', '::1'] : names,
    // Clocks of clients may be behind.
    from: new Date(now - dayMs),
    until: new Date(now + validityDays * dayMs),
    randomBytes,
  });
}
