import { randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { LocalProtocol } from 'paseto';
import { DecryptFactory, EncryptFactory, ImportKeyFactory } from 'paseto/v3/local';
import { jwtKey, signJwt, verifyJwt } from '../src/services/unified-push/tokens/jwt.js';
import {
  decryptLocal,
  encryptLocal,
  formatLocalKey,
  parseLocalKey,
} from '../src/services/unified-push/tokens/paseto.js';

const claims = {
  sub: 'ana@example.org/phone-7',
  application: randomBytes(32).toString('base64'),
  instance: randomBytes(32).toString('base64'),
};
const later = Math.floor(Date.now() / 1000) + 86400;
const ourClaims = JSON.stringify({ ...claims, exp: later });

/** One way to do a thing, and whose. */
interface Contender {
  readonly name: string;
  readonly act: () => unknown;
}

const warmUpRounds = 500;
const measuredMs = 1000;

async function perSecond(act: () => unknown): Promise<number> {
  for (let n = 0; n < warmUpRounds; n++) await act();
  const start = performance.now();
  let done = 0;
  while (performance.now() - start < measuredMs) {
    for (let n = 0; n < 50; n++) await act();
    done += 50;
  }
  return (done * 1000) / (performance.now() - start);
}

async function compare(what: string, ours: Contender, theirs: Contender): Promise<void> {
  const [our, their] = [await perSecond(ours.act), await perSecond(theirs.act)];
  const figure = ({ name }: Contender, rate: number) =>
    `${name} ${Math.round(rate).toString().padStart(7)}/s (${(1e6 / rate).toFixed(1)} µs)`;
  process.stdout.write(
    `${what.padEnd(14)} ${figure(ours, our)}   ${figure(theirs, their)}   ratio ${(our / their).toFixed(1)}\n`,
  );
}

async function comparePaseto(): Promise<void> {
  const bytes = randomBytes(32);
  const key = parseLocalKey(formatLocalKey(bytes));
  if (key === undefined) throw new Error('the key is none');
  const message = Buffer.from(ourClaims);
  const token = encryptLocal(key, message, randomBytes(32));

  const paseto = new LocalProtocol(EncryptFactory, DecryptFactory, ImportKeyFactory);
  const theirKey = await paseto.ImportKey(`k3.local.${bytes.toString('base64url')}`);
  const theirClaims = { ...claims, exp: new Date(later * 1000).toISOString() };
  const theirToken = await paseto.Encrypt(theirKey, theirClaims);

  await compare(
    'paseto mint',
    { name: 'belfry', act: () => encryptLocal(key, message, randomBytes(32)) },
    { name: 'paseto', act: () => paseto.Encrypt(theirKey, theirClaims) },
  );
  await compare(
    'paseto verify',
    { name: 'belfry', act: () => JSON.parse(decryptLocal(key, token)?.message.toString() ?? '') },
    { name: 'paseto', act: () => paseto.Decrypt(theirKey, theirToken) },
  );
}

async function compareJwt(): Promise<void> {
  const secret = randomBytes(32).toString('hex');
  const key = jwtKey(secret);
  const token = signJwt(key, ourClaims);
  const theirKey = await crypto.subtle.importKey(
    'raw',
    Buffer.from(secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign', 'verify'],
  );
  await compare(
    'jwt mint',
    { name: 'belfry', act: () => signJwt(key, ourClaims) },
    {
      name: 'jose  ',
      act: () =>
        new SignJWT(claims)
          .setExpirationTime(later)
          .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
          .sign(theirKey),
    },
  );
  await compare(
    'jwt verify',
    { name: 'belfry', act: () => JSON.parse(verifyJwt(key, token) ?? '') },
    { name: 'jose  ', act: () => jwtVerify(token, theirKey) },
  );
}

/** Tokens per second: ours beside the packages that the tests hold ours against. Nothing is cached. */
export async function run(): Promise<void> {
  await comparePaseto();
  await compareJwt();
}
