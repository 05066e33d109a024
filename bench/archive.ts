import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Sqlite from 'better-sqlite3';
import type { Config } from '../src/config/config.js';
import type { ArchiveFilter, ArchiveStore } from '../src/hosts/standalone/store.js';
import { openStorage } from '../src/storage/open.js';
import { hasPostgres, startPostgres } from '../tests/harness/postgres.js';
import { median, printTable } from './table.js';

const pageSize = 50;
const contacts = 100;
const messageLength = 500;
const accountId = 1;
const withBare = 'contact7@montague.example';
/** A page may cost so many times as much as the first one. */
const maxRatio = 1.5;

/** The id of message `n` as SQL: one every ten milliseconds. */
const baseId = 1_700_000_000_000_000;
const idOf = (n: number) => baseId + n * 10_000;

const makeAccount = `insert into accounts (id, bare_jid, scram_sha1, scram_sha256)`;
const messageAt = (n: string) =>
  `${baseId} + ${n} * 10000, ${accountId}, 'contact' || (${n} % ${contacts}) || '@montague.example', 'phone'`;

function fillSqlite(file: string, count: number): void {
  const connection = new Sqlite(file);
  connection.pragma('synchronous = OFF');
  connection.exec(`${makeAccount} values (${accountId}, 'juliet@capulet.example', '', '')`);
  connection.exec(
    `with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < ${count - 1})
     insert into archive select ${messageAt('n')}, substr(hex(randomblob(${messageLength / 2})), 1) from numbers`,
  );
  connection.pragma('wal_checkpoint(TRUNCATE)');
  connection.close();
}

/** As one that has run for a while: its statistics are there, and what was written has been cleaned. */
const fillPostgres = (count: number) => [
  `${makeAccount} overriding system value values (${accountId}, 'juliet@capulet.example', '', '')`,
  `insert into archive select ${messageAt('n')}, substr(repeat(md5(n::text), ${Math.ceil(messageLength / 32)}), 1, ${messageLength})
   from generate_series(0::bigint, ${count - 1}) n`,
  'vacuum analyze archive',
];

interface Place {
  readonly name: 'first' | 'middle' | 'last';
  readonly filter: ArchiveFilter;
  readonly isBackwards: boolean;
}

/** The places of an archive, found in one direction; of one address, pages are as many times as long as there are contacts. */
function places(count: number, isBackwards: boolean, spread: number): readonly Place[] {
  const page = pageSize * spread;
  const middle = idOf(Math.floor(count / 2));
  const ends: readonly [Place['name'], ArchiveFilter][] = isBackwards
    ? [
        ['first', { before: idOf(page) }],
        ['middle', { before: middle }],
        ['last', {}],
      ]
    : [
        ['first', {}],
        ['middle', { after: middle }],
        ['last', { after: idOf(count - page - 1) }],
      ];
  return ends.map(([name, filter]) => ({ name, filter, isBackwards }));
}

/** Median microseconds of each place's page, all of them in turns. */
async function measure(
  archive: ArchiveStore,
  all: readonly Place[],
  rounds: number,
): Promise<readonly number[]> {
  const times = all.map((): number[] => []);
  for (let round = -20; round < rounds; round++) {
    for (const [index, { filter, isBackwards }] of all.entries()) {
      const begin = performance.now();
      const page = await archive.page(accountId, filter, pageSize, isBackwards);
      const time = (performance.now() - begin) * 1000;
      if (page.length !== pageSize) throw new Error(`${page.length} messages in a page of ${pageSize}`);
      if (round >= 0) times[index]?.push(time);
    }
  }
  return times.map(median);
}

async function measureDatabase(
  name: string,
  archive: ArchiveStore,
  count: number,
  rounds: number,
): Promise<readonly (readonly string[])[]> {
  const rows: string[][] = [];
  for (const isWith of [false, true]) {
    for (const isBackwards of [false, true]) {
      const all = places(count, isBackwards, isWith ? contacts : 1).map((place) =>
        isWith ? { ...place, filter: { ...place.filter, withBare } } : place,
      );
      const times = await measure(archive, all, rounds);
      const [first = Number.NaN] = times;
      const worst = Math.max(...times.map((time) => time / first));
      if (worst > maxRatio) process.exitCode = 1;
      const whose = isWith ? 'one address' : 'all';
      const direction = isBackwards ? 'backwards' : 'forwards';
      rows.push([name, whose, direction, ...times.map((time) => time.toFixed(0)), worst.toFixed(2)]);
    }
  }
  return rows;
}

/** Opens the filled database as the server does, measures, and closes it. */
async function withArchive<T>(
  config: Config['storage'],
  work: (archive: ArchiveStore) => Promise<T>,
): Promise<T> {
  const { standalone, close } = await openStorage(config, { events: { storageFailed() {} } });
  try {
    return await work(standalone.archive);
  } finally {
    await close();
  }
}

async function runSqlite(count: number, rounds: number): Promise<readonly (readonly string[])[]> {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-bench-'));
  try {
    const config = { kind: 'sqlite', file: join(folder, 'belfry.sqlite') } as const;
    await withArchive(config, async () => fillSqlite(config.file, count));
    return await withArchive(config, (archive) => measureDatabase('SQLite', archive, count, rounds));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runPostgres(count: number, rounds: number): Promise<readonly (readonly string[])[]> {
  if (!hasPostgres) return [];
  const server = await startPostgres();
  try {
    const database = await server.createDatabase();
    const config = { kind: 'postgres', url: server.url(database) } as const;
    await withArchive(config, async () => {
      for (const statement of fillPostgres(count)) await server.query(database, statement);
    });
    return await withArchive(config, (archive) => measureDatabase('PostgreSQL', archive, count, rounds));
  } finally {
    await server.stop();
  }
}

/** What a page of a large archive costs, wherever it lies: at its ends or in the middle, of all messages or one address. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      messages: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '300' },
    },
  });
  const [count, rounds] = [Number(values.messages), Number(values.rounds)];
  const rows = [...(await runSqlite(count, rounds)), ...(await runPostgres(count, rounds))];
  const setting = `${count} messages of ${messageLength} characters in one archive, pages of ${pageSize}, medians of ${rounds} rounds`;
  const heads = ['database', 'messages', 'direction', 'first µs', 'middle µs', 'last µs', 'worst × first'];
  printTable(setting, heads, rows);
}
