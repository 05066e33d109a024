import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { iterationCount, saltBytes } from '../src/hosts/standalone/sasl/credentials.js';
import { defaultGuessLimits } from '../src/hosts/standalone/sasl/guess-limits.js';
import { createSasl } from '../src/hosts/standalone/sasl/sasl-server.js';
import { Jid } from '../src/xmpp/jid.js';
import { memoryServerStores } from './harness/memory-server-stores.js';
import { recordingEvents } from './harness/recording-events.js';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');
const text = read('docs/accounts.md');
const standalone = 'src/hosts/standalone';

/** The second cell of the row that begins so. */
function bound(what: string): string | undefined {
  const row = text.split('\n').find((line) => line.startsWith(`| ${what} |`));
  return row?.split('|')[2]?.trim();
}

/** The number that a file gives a name which it keeps to itself. */
function constant(file: string, name: string): number {
  const number = new RegExp(`\\b${name} = ([\\d_]+)`).exec(read(`${standalone}/${file}`))?.[1];
  if (number === undefined) throw new Error(`${file} has no ${name}`);
  return Number(number.replaceAll('_', ''));
}

const count = (number: number) => number.toLocaleString('en');

describe('docs/accounts.md', () => {
  it('has the mechanisms in the order in which they are offered', () => {
    const sasl = createSasl({
      domain: Jid.parse('example.org'),
      accounts: memoryServerStores().accounts,
      secret: new Uint8Array(16),
      randomBytes: (size) => new Uint8Array(size),
      events: recordingEvents().events,
    });
    const offered = sasl.mechanisms({
      remoteAddress: '192.0.2.1',
      isPrivate: true,
      bindings: new Map([['tls-exporter', () => new Uint8Array()]]),
    });
    const [, section = ''] = text.split('\n## Mechanisms\n');
    const documented = [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
      cell.replaceAll('`', '').split(', '),
    );
    expect(documented).toEqual(offered);
  });

  it('has the bounds of guessing', () => {
    const { perAccount, perNetwork, attack, perAccountUnderAttack, windowSeconds, countedKeys } =
      defaultGuessLimits;
    const inWindow = (failures: number) => `${failures} in ${windowSeconds / 60} minutes`;
    expect(bound('failures of an account from an address')).toBe(inWindow(perAccount));
    expect(bound('failures from an address')).toBe(inWindow(perNetwork));
    expect(bound('failures of an account from everywhere')).toBe(inWindow(attack));
    expect(text).toContain(
      `each address has ${perAccountUnderAttack} for that account, instead of ${perAccount}`,
    );
    expect(bound('addresses, accounts and pairs that are counted')).toBe(`${count(countedKeys)} of each`);
  });

  it('has the bounds of passwords', () => {
    const longest = constant('sasl/password.ts', 'maxPasswordBytes');
    expect(bound('length')).toBe(`1 to ${count(longest)} bytes`);
    expect(bound('what is kept')).toContain(`${saltBytes} bytes and ${count(iterationCount)} iterations`);
    const [atOnce, waiting] = ['passwordsAtOnce', 'maxWaitingPasswords'].map((name) =>
      constant('sasl/sasl-server.ts', name),
    );
    expect(bound('passwords being checked for `PLAIN`')).toBe(`${atOnce} at once`);
    expect(bound('logins with `PLAIN` that wait')).toBe(`${waiting}`);
  });

  it('has the times of certificates', () => {
    expect(text).toContain(`less than ${constant('tls/pem-pair.ts', 'warningDays')} days`);
    expect(constant('tls/own-certificate.ts', 'validityDays')).toBe(10 * 365);
    expect(text).toMatch(
      new RegExp(`less than\\s+${constant('tls/own-certificate.ts', 'renewalDays')} days`),
    );
  });

  it('quotes the log', () => {
    const files = ['account-events.ts', 'client-events.ts'];
    const events = files.map((name) => read(`src/observability/${name}`)).join('\n');
    for (const message of [
      'authentication failed',
      'certificate loaded, with problems',
      'certificate not loaded: the former one stays',
    ]) {
      expect(events).toContain(`'${message}'`);
      expect(text.replaceAll('\n', ' ')).toContain(`\`${message}\``);
    }
  });
});
