import Sqlite from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGroupCommit } from './group-commit.js';

/** A group commit on a clock that each write moves on by a millisecond. */
function setUp() {
  const connection = new Sqlite(':memory:');
  onTestFinished(() => void connection.close());
  connection.exec('create table lines (text text not null)');
  const insert = connection.prepare('insert into lines values (?)');
  const pauses: number[] = [];
  const groups: number[] = [];
  let now = 1_000;
  const commits = createGroupCommit(
    connection,
    async () => {
      groups.push(0);
      connection.exec('begin immediate');
    },
    {
      now: () => now,
      pause: async (milliseconds) => {
        pauses.push(milliseconds);
        now += milliseconds;
      },
    },
  );
  const write = () =>
    commits.write(() => {
      now += 1;
      groups.push((groups.pop() ?? 0) + 1);
      return insert.run('text').changes;
    });
  const writeMany = (count: number) => Promise.all(Array.from({ length: count }, write));
  return { write, writeMany, pauses, groups, wait: (milliseconds: number) => (now += milliseconds) };
}

describe('writes of many', () => {
  it('share transactions, and leave the event loop three times as long as those took', async () => {
    const { writeMany, pauses, groups } = setUp();
    await writeMany(10);
    await writeMany(12);
    expect(groups).toEqual([10, 12]);
    expect(pauses).toEqual([20]);
  });

  it('wait for the rest of that time alone, and never for more than its bound', async () => {
    const { writeMany, pauses, wait } = setUp();
    await writeMany(10);
    wait(15);
    await writeMany(100);
    await writeMany(1);
    expect(pauses).toEqual([5, 20]);
  });

  it('do not wait when the time is over', async () => {
    const { writeMany, pauses, wait } = setUp();
    await writeMany(10);
    wait(20);
    await writeMany(10);
    expect(pauses).toEqual([]);
  });
});

it('lets who writes alone not wait, however often he does', async () => {
  const { write, pauses, groups } = setUp();
  for (let count = 0; count < 30; count++) await write();
  expect(pauses).toEqual([]);
  expect(groups).toHaveLength(30);
});
