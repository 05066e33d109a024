import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { Jid, JidError } from '../xmpp/jid.js';
import type { ListenAddress } from './config.js';

/** A value that was read, or the end of a sentence that begins with the value: `is no address; write …`. */
type Read<T> = { readonly value: T } | { readonly refused: string };

/** How a value is repeated in a message: short, on one line, without the inside of lists and sections or a password. */
function show(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object' && input !== null) return 'a section';
  const text = String(JSON.stringify(input)).replace(/\/\/[^/]*@/, '//…@');
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** A text that `read` makes a value of. */
function parsed<T>(what: string, read: (text: string) => Read<T>) {
  return z
    .string({ error: ({ input }) => `${show(input)} is no ${what}; write it as text, in quotes if need be` })
    .transform((text, context) => {
      const result = read(text);
      if ('value' in result) return result.value;
      context.addIssue(`${show(text)} ${result.refused}`);
      return z.NEVER;
    });
}

/** One of a few words. */
export function choice<const T extends readonly string[]>(words: T) {
  return z.enum(words, {
    error: ({ input }) => `${show(input)} is not allowed; use one of ${words.join(', ')}`,
  });
}

/** The path of a file or folder. */
export const path = parsed('path', (text): Read<string> => {
  return text === '' ? { refused: 'is no path; write the name of a file or folder' } : { value: text };
});

const addressHelp = 'write host:port, as in 127.0.0.1:5280 or "[::1]:5280"';

/** `host:port`, with an IPv6 address in brackets. A port of 0 lets the system choose, where one listens. */
export function address({ lowestPort }: { lowestPort: 0 | 1 }) {
  return parsed('address', (text) => readAddress(text, lowestPort));
}

function readAddress(text: string, lowestPort: 0 | 1): Read<ListenAddress> {
  const [, ipv6, name, digits] = /^(?:\[([^\]]*)\]|([^:[\]\s/@*]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined || (ipv6 !== undefined && isIP(ipv6) !== 6)) {
    return { refused: `is no address; ${addressHelp}` };
  }
  const port = Number(digits);
  if (port < lowestPort || port > 65_535) {
    return { refused: `has an impossible port; allowed are ${lowestPort} to 65535` };
  }
  return { value: { host, port } };
}

/** An address to listen on, or `false` for none. */
export const addressOrFalse = z
  .union([z.string(), z.literal(false)], {
    error: ({ input }) => `${show(input)} is no address; ${addressHelp}, or false for none`,
  })
  .transform((input, context): ListenAddress | false => {
    if (input === false || input === 'false') return false;
    const result = readAddress(input, 0);
    if ('value' in result) return result.value;
    context.addIssue(`${show(input)} ${result.refused}, or false for none`);
    return z.NEVER;
  });

/** `true` or `false`; the environment has them as text. */
export const yesOrNo = z
  .union([z.boolean(), z.enum(['true', 'false'])], {
    error: ({ input }) => `${show(input)} is not allowed; use true or false`,
  })
  .transform((input) => input === true || input === 'true');

function readJid(text: string): Read<Jid> {
  try {
    return { value: Jid.parse(text) };
  } catch (error) {
    if (error instanceof JidError) return { refused: `is no JID: ${error.message}` };
    throw error;
  }
}

function readDomain(text: string): Read<Jid> {
  const result = readJid(text);
  if ('refused' in result || result.value.isDomain) return result;
  return { refused: `is not a domain alone; write ${result.value.domain}` };
}

/** A JID of a domain alone. */
export const domain = parsed('domain', readDomain);

/** A list, written as one or as text with commas. */
function list<T>(what: string, read: (text: string) => Read<T>) {
  return z
    .union([z.array(z.unknown().meta({ type: 'string' })), z.string()], {
      error: ({ input }) => `${show(input)} is no list of ${what}`,
    })
    .transform((input, context) => {
      const items = typeof input === 'string' ? splitList(input) : input;
      return items.flatMap((item, index) => {
        const result = typeof item === 'string' ? read(item) : { refused: 'is no text; put it in quotes' };
        if ('value' in result) return [result.value];
        context.addIssue({ code: 'custom', path: [index], message: `${show(item)} ${result.refused}` });
        return [];
      });
    });
}

function splitList(text: string): string[] {
  return text
    .split(/[,\r\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

export const jids = list('JIDs', readJid);

/** Accounts, and domains for all that are there. */
export const accounts = list('domains and bare JIDs', (text): Read<Jid> => {
  const result = readJid(text);
  if ('refused' in result || !result.value.isFull) return result;
  return { refused: `names a resource; write ${result.value.bare()}` };
});

/** Domains, prepared. */
export const domains = list('domains', (text): Read<string> => {
  const result = readDomain(text);
  return 'refused' in result ? result : { value: result.value.domain };
});

/** Addresses and CIDR ranges. */
export const ranges = list('addresses', (text): Read<string> => {
  return isRange(text) ? { value: text } : { refused: 'is no address or range; write it as in 10.0.0.0/8' };
});

function isRange(text: string): boolean {
  const [base = '', bits, ...more] = text.split('/');
  if (more.length > 0 || isIP(base) === 0) return false;
  if (bits === undefined) return true;
  if (!/^\d{1,3}$/.test(bits)) return false;
  try {
    new BlockList().addSubnet(base, Number(bits), isIP(base) === 6 ? 'ipv6' : 'ipv4');
    return true;
  } catch {
    return false;
  }
}

/** An absolute http or https URL without a slash at its end, so that paths can be appended to it as text. */
export const publicUrl = parsed('URL', (text): Read<string> => {
  if (!URL.canParse(text)) return { refused: 'is no URL; write it as in https://push.example.org' };
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) return { refused: 'is no http or https URL' };
  if (url.username !== '' || url.password !== '') return { refused: 'has a user name; remove it' };
  // `search` and `hash` are empty for a lone ? or #, which would end up in the middle of endpoints.
  if (/[?#]/.test(text)) return { refused: 'has a query or fragment; remove it' };
  return { value: url.href.replace(/\/+$/, '') };
});

/** Whom a push service can turn to (RFC 8292 §2.1): a mailbox or a page. */
export const contact = parsed('contact', (text): Read<string> => {
  const isUri = /^(?:mailto:[^\s<>@]+@[^\s<>@]+|https:\/\/[^\s<>@]+)$/i.test(text) && URL.canParse(text);
  if (!isUri) return { refused: 'is no contact; write mailto: and a mailbox, or an https URL' };
  return text.length > 255 ? { refused: 'is longer than 255 characters' } : { value: text };
});

/** Text that is shown to people: one line, of so many bytes at most; it may be empty. */
export function line({ maxBytes }: { maxBytes: number }) {
  return parsed('text', (text): Read<string> => {
    // XML has no way to write most of them.
    if (/[\p{Cc}\p{Cs}\u2028\u2029\ufffe\uffff]/u.test(text)) {
      return { refused: 'has a line end or another character that is not shown; remove it' };
    }
    return Buffer.byteLength(text) > maxBytes
      ? { refused: `is longer than ${maxBytes} bytes` }
      : { value: text };
  });
}

const unitSeconds: ReadonlyMap<string, number> = new Map([
  ...seconds(1, 's', 'sec', 'second'),
  ...seconds(60, 'm', 'min', 'minute'),
  ...seconds(3600, 'h', 'hour'),
  ...seconds(86_400, 'd', 'day'),
  ...seconds(7 * 86_400, 'w', 'week'),
  ...seconds(365 * 86_400, 'y', 'year'),
]);

function seconds(each: number, ...units: readonly string[]): [string, number][] {
  return units.map((unit) => [unit, each]);
}

interface Bounds {
  readonly min: string;
  readonly max: string;
}

/** Seconds as a number or as words (`10 minutes`); both bounds are allowed values, given in words. */
export function duration(bounds: Bounds) {
  return boundedDuration(bounds, (text) => secondsOf(text), '');
}

/** As `duration`, or `never`, which is 0, as 0 itself is. */
export function durationOrNever(bounds: Bounds) {
  const isNever = (text: string) => text.trim().toLowerCase() === 'never' || secondsOf(text) === 0;
  return boundedDuration(bounds, (text) => (isNever(text) ? 'never' : secondsOf(text)), ', or never');
}

function boundedDuration(
  { min, max }: Bounds,
  read: (text: string) => number | 'never' | undefined,
  alternative: string,
) {
  const lowest = secondsOf(min) ?? 0;
  const highest = secondsOf(max) ?? Number.POSITIVE_INFINITY;
  const help = `${durationHelp}${alternative}`;
  return z
    .union([z.number(), z.string()], { error: ({ input }) => `${show(input)} ${help}` })
    .transform((input, context) => {
      const seconds = read(String(input));
      if (seconds === 'never') return 0;
      if (seconds !== undefined && seconds >= lowest && seconds <= highest) return seconds;
      const range = `is out of range; allowed are ${min} to ${max}${alternative}`;
      context.addIssue(`${show(input)} ${seconds === undefined ? help : range}`);
      return z.NEVER;
    })
    .meta({ 'x-unit': 'seconds', 'x-minimum': min, 'x-maximum': max });
}

const durationHelp =
  'is no duration; write seconds, or a number with a unit (s, min, h, days, weeks, years), as in 10 minutes';

function secondsOf(text: string): number | undefined {
  const [, digits, unit = 's'] = /^(\d{1,15})(?:\s*([a-z]+))?$/i.exec(text.trim()) ?? [];
  const name = unit.toLowerCase();
  const factor = unitSeconds.get(name) ?? unitSeconds.get(name.replace(/s$/, ''));
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** A whole number between bounds. */
export function count({ min, max }: { min: number; max: number }) {
  const refused = `is out of range; allowed are whole numbers from ${min} to ${max}`;
  return z
    .union([z.number(), z.string()], { error: ({ input }) => `${show(input)} ${refused}` })
    .transform((input, context) => {
      const number = typeof input === 'number' || /^\d{1,15}$/.test(input) ? Number(input) : Number.NaN;
      if (Number.isInteger(number) && number >= min && number <= max) return number;
      context.addIssue(`${show(input)} ${refused}`);
      return z.NEVER;
    })
    .meta({ 'x-minimum': min, 'x-maximum': max });
}

/** A secret; no message about it repeats it. */
export const secret = z
  .string({ error: 'must be text; put the secret in quotes' })
  .refine((text) => text !== '', { error: 'is empty; give a secret or remove the line' });

/**
 * Text by domain, written as a section, or as text: `domain=value`, several with commas or line ends between them.
 * Messages about text repeat nothing of it, because it may be a piece of a secret that has a comma.
 */
function byDomain<T>(what: string, read: (text: unknown) => Read<T>) {
  return z
    .union([z.record(z.string(), z.unknown().meta({ type: 'string' })), z.string()], {
      error: `is no section; write each ${what} as a line of the form "domain: ${what}"`,
    })
    .transform((input, context): ReadonlyMap<string, T> => {
      const isText = typeof input === 'string';
      const values = new Map<string, T>();
      for (const [key, text] of isText ? splitList(input).map(splitEntry) : Object.entries(input)) {
        const entry = readEntry(key, what, read(text));
        const isNew = 'value' in entry && !values.has(entry.value[0]);
        if (isNew) values.set(...entry.value);
        else context.addIssue({ code: 'custom', path: [key], message: refusalOf(entry, what, isText) });
      }
      return values;
    });
}

function readEntry<T>(key: string, what: string, value: Read<T>): Read<readonly [string, T]> {
  const name = readDomain(key);
  if ('refused' in name) return { refused: `${show(key)} ${name.refused}` };
  if ('refused' in value) return { refused: `the ${what} of ${name.value} ${value.refused}` };
  return { value: [name.value.domain, value.value] };
}

function refusalOf(entry: Read<readonly [string, unknown]>, what: string, isText: boolean): string {
  if ('value' in entry) return `has ${entry.value[0]} twice; remove one`;
  return isText ? `has an entry that is not of the form domain=${what}` : entry.refused;
}

function splitEntry(entry: string): [string, string] {
  const end = entry.indexOf('=');
  return end < 0 ? ['', ''] : [entry.slice(0, end).trim(), entry.slice(end + 1).trim()];
}

/** Addresses by domain. */
export const addressesByDomain = byDomain('address', (text) =>
  typeof text === 'string' ? readAddress(text, 1) : { refused: `is no text; ${addressHelp}` },
);

/** Secrets by domain; no message repeats one. */
export const secretsByDomain = byDomain('secret', (text): Read<string> => {
  if (typeof text !== 'string') return { refused: 'is no text; put it in quotes' };
  return text === '' ? { refused: 'is empty; give one or remove the line' } : { value: text };
});

const postgresHelp = 'write sqlite, or a URL as in postgres://user:password@host:5432/database';

/** The URL may hold a password, so no message repeats it. */
export const storage = z
  .string({ error: `must be text; ${postgresHelp}` })
  .refine((text) => text === 'sqlite' || isPostgresUrl(text), {
    error: `is neither; ${postgresHelp}, with special characters of the password encoded (%40 for @)`,
  });

function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text);
}
