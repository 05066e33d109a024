import { describe, expect, it } from 'vitest';
import { Absence, Absences } from './absences.js';

describe('Absences', () => {
  it('last from the first thing that is told until the client is back', () => {
    const absences = new Absences(10);
    expect([absences.get('a'), absences.isEmpty]).toEqual([undefined, true]);
    expect(absences.count('a', 'ben', 0)).toBe(0);
    expect(absences.isEmpty).toBe(true);
    expect(['ben', 'eve', 'ben'].map((topic) => absences.count('a', topic, 1))).toEqual([1, 1, 2]);
    expect([absences.count('a', '', 0), absences.count('b', '', 0)]).toEqual([3, 0]);
    expect(absences.end('a')?.count('')).toBe(3);
    expect([absences.end('a'), absences.isEmpty]).toEqual([undefined, true]);
  });

  it('are forgotten where nothing was added for longest', () => {
    const absences = new Absences(2);
    for (const key of ['a', 'b', 'a', 'c']) absences.enter(key).add('', 1);
    expect(['a', 'b', 'c'].map((key) => absences.get(key)?.count(''))).toEqual([2, undefined, 1]);
  });
});

describe('what was told in an absence', () => {
  it('counts by topic, and together', () => {
    const absence = new Absence();
    absence.add('ben', 2);
    absence.add('eve', 1);
    absence.add('ben', 1);
    expect(['ben', 'eve', 'tom', ''].map((topic) => absence.count(topic))).toEqual([3, 1, 0, 4]);
  });

  it('is counted of a hundred topics, and together of all', () => {
    const absence = new Absence();
    for (let i = 0; i <= 100; i++) absence.add(`topic ${i}`, 1);
    expect(['topic 0', 'topic 1', 'topic 100', ''].map((topic) => absence.count(topic))).toEqual([
      0, 1, 1, 101,
    ]);
  });
});

describe('what was queued in an absence', () => {
  it('has told the client of something important when it is delivered', () => {
    const absence = new Absence();
    absence.queue(true);
    expect(absence.isReached).toBe(false);
    expect(absence.settle(true)).toBe(true);
    expect([absence.isReached, absence.hasQueued]).toEqual([true, false]);
  });

  it('has not when it was unimportant, or is lost', () => {
    const absence = new Absence();
    absence.queue(false);
    expect(absence.settle(true)).toBe(false);
    absence.queue(true);
    expect(absence.settle(false)).toBe(false);
    absence.queue(false);
    expect(absence.settle(true)).toBe(false);
  });

  it('was of an earlier absence if nothing is queued in this one', () => {
    const absence = new Absence();
    expect(absence.settle(true)).toBe(false);
    expect(absence.isReached).toBe(false);
  });

  it('is withdrawn unless all of it was settled', () => {
    const absence = new Absence();
    absence.queue(true);
    absence.settle(true);
    absence.withdraw();
    expect(absence.isWithdrawn).toBe(false);
    absence.queue(true);
    absence.withdraw();
    expect(absence.isWithdrawn).toBe(true);
  });
});
