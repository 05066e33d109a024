import { generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TlsError } from '../../../net/tls-error.js';
import { Jid } from '../../../xmpp/jid.js';
import { loadCertificate } from './certificate.js';
import { selfSignedCertificate } from './self-signed.js';

const day = 24 * 60 * 60 * 1000;
const now = Date.parse('2026-06-01T12:00:00Z');
const domain = Jid.parse('example.org');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belfry-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const keyPem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

interface Given {
  readonly key?: KeyObject;
  readonly names?: readonly string[];
  readonly from?: number;
  readonly until?: number;
}

function certificateFor({
  key = newKey(),
  names = ['example.org'],
  from = now - day,
  until = now + 90 * day,
}: Given) {
  const cert = selfSignedCertificate({
    key,
    names,
    from: new Date(from),
    until: new Date(until),
    randomBytes,
  });
  return { cert, key: keyPem(key) };
}

function filesWith({ cert, key }: { cert: string; key: string }) {
  const files = { cert: join(folder, 'given.crt'), key: join(folder, 'given.key') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  return files;
}

const load = (files: { cert: string; key: string }) =>
  loadCertificate({ files, dataDir: folder, domain }, now);
const failure = async (loading: Promise<unknown>) => {
  const error: unknown = await loading.catch((reason: unknown) => reason);
  if (!(error instanceof TlsError)) throw new Error('it should have failed', { cause: error });
  return error;
};

describe('a certificate in files', () => {
  it('is read with names, end and hash', async () => {
    const given = certificateFor({ names: ['example.org', 'muc.example.org', '192.0.2.1', '2001:db8::1'] });
    const loaded = await load(filesWith(given));
    expect(loaded).toMatchObject({
      ...given,
      names: ['example.org', 'muc.example.org', '192.0.2.1', '2001:db8::1'],
      until: new Date(now + 90 * day),
      problems: [],
    });
    const fingerprint = new X509Certificate(given.cert).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(Buffer.from(loaded.serverEndPoint ?? []).toString('hex')).toBe(fingerprint);
  });

  it('may be a chain, whole and in order', async () => {
    const [own, authority] = [certificateFor({}), certificateFor({ names: ['ca.example'] })];
    const chain = own.cert + authority.cert;
    expect((await load(filesWith({ cert: chain, key: own.key }))).cert).toBe(chain);
    const error = await failure(load(filesWith({ cert: authority.cert + own.cert, key: own.key })));
    expect(error.message).toContain('not that of the first certificate');
    expect(error.remedy).toContain('before those of authorities');
  });

  it.each<[string, Given, RegExp, boolean]>([
    ['has ended', { until: now - day }, /has ended/, true],
    ['ends soon', { until: now + 10 * day }, /ends in 10 days/, false],
    ['is not valid yet', { from: now + day }, /not valid before/, true],
    ['is for another domain', { names: ['example.net'] }, /not for example\.org, but for example\.net/, true],
    ['is for a subdomain', { names: ['xmpp.example.org'] }, /not for example\.org/, true],
  ])('is taken, with a problem, when it %s', async (_what, given, problem, isRefused) => {
    const { problems } = await load(filesWith(certificateFor(given)));
    expect(problems).toEqual([{ text: expect.stringMatching(problem), isRefused }]);
  });

  it('may cover the domain by a wildcard or as an address', async () => {
    const wild = filesWith(certificateFor({ names: ['*.example.org'] }));
    const subdomain = Jid.parse('chat.example.org');
    expect(
      (await loadCertificate({ files: wild, dataDir: folder, domain: subdomain }, now)).problems,
    ).toEqual([]);
    const address = filesWith(certificateFor({ names: ['2001:db8::1'] }));
    const literal = Jid.parse('[2001:db8::1]');
    expect(
      (await loadCertificate({ files: address, dataDir: folder, domain: literal }, now)).problems,
    ).toEqual([]);
  });

  it('is refused when one of the files is missing or cannot be read', async () => {
    const files = filesWith(certificateFor({}));
    rmSync(files.key);
    const missing = await failure(load(files));
    expect(missing.message).toContain(files.key);
    expect(missing.remedy).toContain('standalone.tls.key');
    mkdirSync(files.key);
    expect((await failure(load(files))).message).toContain('cannot be read');
  });

  it.each([
    ['no certificate in the file', { cert: 'hello' }, /no certificate in/],
    ['half a certificate', { cert: certificateFor({}).cert.slice(0, 200) }, /no certificate in/],
    ['no key in the file', { key: 'hello' }, /no private key in/],
    ['an empty key file', { key: '' }, /no private key in/],
    ['the key of another certificate', { key: keyPem(newKey()) }, /not that of the first certificate/],
    [
      'a key with a passphrase',
      {
        key: newKey()
          .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
          .toString(),
      },
      /encrypted/,
    ],
  ])('is refused with %s', async (_what, wrong, message) => {
    const error = await failure(load(filesWith({ ...certificateFor({}), ...wrong })));
    expect(error.message).toMatch(message);
    expect(error.remedy).not.toBe('');
  });

  it('says nothing of a key in its errors', async () => {
    const files = filesWith({ ...certificateFor({}), key: keyPem(newKey()) });
    const error = await failure(load(files));
    expect(`${error.message} ${error.remedy}`).not.toContain(readFileSync(files.key, 'utf8').split('\n')[1]);
  });
});

describe('the certificate that is made', () => {
  const own = (name = 'example.org', at = now, dataDir = folder) =>
    loadCertificate({ dataDir, domain: Jid.parse(name) }, at);

  it('is for the domain, and kept', async () => {
    const made = await own();
    expect(made).toMatchObject({ names: ['example.org'], problems: [] });
    expect(made.until.getTime()).toBeGreaterThan(now + 3_600 * day);
    expect(await own()).toEqual(made);
    expect(readFileSync(join(folder, 'tls.crt'), 'utf8')).toBe(made.cert);
    expect(readdirSync(folder).sort()).toEqual(['tls.crt', 'tls.key']);
    expect(statSync(join(folder, 'tls.key')).mode & 0o777).toBe(0o600);
  });

  it('is for further domains as well, and stays if it has more than are needed', async () => {
    const withPush = (...names: readonly string[]) =>
      loadCertificate({ dataDir: folder, domain, furtherDomains: names.map((name) => Jid.parse(name)) }, now);
    const first = await own();
    const wider = await withPush('push.example.org', 'up.bücher.example');
    expect(wider.names).toEqual(['example.org', 'push.example.org', 'up.xn--bcher-kva.example']);
    expect(wider.key).toBe(first.key);
    expect(await withPush('push.example.org')).toEqual(wider);
    expect(await own()).toEqual(wider);
    expect((await withPush('gw.example.org')).names).toEqual(['example.org', 'gw.example.org']);
  });

  it('is for this machine too if the domain is localhost', async () => {
    const { cert } = await own('localhost');
    const x509 = new X509Certificate(cert);
    expect(x509.checkHost('localhost')).toBe('localhost');
    expect(x509.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(x509.checkIP('::1')).toBe('::1');
  });

  it('has the ASCII form of a domain beyond ASCII', async () => {
    expect(await own('bücher.example')).toMatchObject({ names: ['xn--bcher-kva.example'], problems: [] });
  });

  it('is made again, of the same key, for another domain', async () => {
    const [first, second] = [await own(), await own('example.net')];
    expect(second.names).toEqual(['example.net']);
    expect(second.key).toBe(first.key);
  });

  it('is made again when it is about to end', async () => {
    const { cert, until } = await own();
    expect((await own('example.org', until.getTime() - 31 * day)).cert).toBe(cert);
    const renewed = await own('example.org', until.getTime() - 29 * day);
    expect(renewed.cert).not.toBe(cert);
    expect(renewed.problems).toEqual([]);
  });

  it('is made again if what is there is no certificate of the key', async () => {
    const { cert, key } = await own();
    for (const other of ['half a cer', certificateFor({}).cert]) {
      writeFileSync(join(folder, 'tls.crt'), other);
      const again = await own();
      expect(again.key).toBe(key);
      expect(again.cert).not.toBe(cert);
    }
  });

  it('makes the data directory', async () => {
    const dataDir = join(folder, 'new', 'data');
    expect((await own('example.org', now, dataDir)).problems).toEqual([]);
  });

  it('belongs to its key whoever else makes it at the same time', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => own()));
    expect(new Set(made.map(({ key }) => key)).size).toBe(1);
    expect((await own()).key).toBe(made[0]?.key);
    expect(readdirSync(folder).sort()).toEqual(['tls.crt', 'tls.key']);
  });

  it.each([
    ['half a key', '-----BEGIN PRIVATE KEY-----\nMIGH'],
    ['a key of another kind', keyPem(generateKeyPairSync('ed25519').privateKey)],
  ])('never replaces a key, such as %s', async (_what, text) => {
    writeFileSync(join(folder, 'tls.key'), text);
    const error = await failure(own());
    expect(error.message).toContain('tls.key');
    expect(error.remedy).toContain('standalone.tls');
    expect(readFileSync(join(folder, 'tls.key'), 'utf8')).toBe(text);
  });

  it('cannot be kept where nothing can be written', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o600);
    const error = await failure(own('example.org', now, join(file, 'data')));
    expect(error.remedy).toContain('data_dir');
  });
});
