import { SaxesParser } from 'saxes';
import { ns } from '../src/xmpp/ns.js';
import { StreamParser } from '../src/xmpp/parser.js';

const header = `<stream:stream xmlns='jabber:client' xmlns:stream='${ns.streams}'>`;
/** What a device answers to a push, as a server hands it on. */
const stanza = `<iq type='result' id='a1b2c3d4e5f6-0123456789abcdefghijklmn' from='ana@example.org/phone-7' to='push.example.org'/>`;
const stanzasPerChunk = 16;
const chunks = 10_000;
const rounds = 5;

function ours(): number {
  let seen = 0;
  const parser = new StreamParser({ onOpen: () => {}, onStanza: () => seen++, onClose: () => {} });
  parser.write(Buffer.from(header));
  return timed(
    (chunk) => parser.write(chunk),
    () => seen,
  );
}

/** The limit of any parser on top of saxes: it decodes, reads and tells nobody. */
function bare(): number {
  let seen = 0;
  const decoder = new TextDecoder();
  const saxes = new SaxesParser({ xmlns: true });
  saxes.on('closetag', () => seen++);
  saxes.write(header);
  return timed(
    (chunk) => saxes.write(decoder.decode(chunk, { stream: true })),
    () => seen,
  );
}

/** Stanzas per second. */
function timed(write: (chunk: Uint8Array) => void, seen: () => number): number {
  const chunk = Buffer.from(stanza.repeat(stanzasPerChunk));
  const start = process.hrtime.bigint();
  for (let i = 0; i < chunks; i++) write(chunk);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (seen() !== chunks * stanzasPerChunk) throw new Error(`read ${seen()} stanzas`);
  return seen() / seconds;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Small stanzas per second of our stream parser beside bare saxes. */
export async function run(): Promise<void> {
  const results = Array.from({ length: rounds }, () => ({ ours: ours(), bare: bare() }));
  const perSecond = median(results.map((result) => result.ours));
  const limit = median(results.map((result) => result.bare));
  const ratio = median(results.map((result) => result.ours / result.bare));
  const megabytes = (perSecond * stanza.length) / 1e6;
  process.stdout.write(`stream parser  ${Math.round(perSecond)} stanzas/s  ${megabytes.toFixed(1)} MB/s\n`);
  process.stdout.write(`bare saxes     ${Math.round(limit)} stanzas/s\n`);
  process.stdout.write(`ratio          ${ratio.toFixed(2)}\n`);
}
