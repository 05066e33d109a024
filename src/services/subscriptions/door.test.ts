import { describe, expect, it } from 'vitest';
import { parseOutgoingUrl } from '../../net/outgoing-url.js';
import { changeLimit } from '../change-limit.js';
import { createDoor, maxQuestions, maxQuestionsInAll } from './door.js';

const parse = (text: string) => parseOutgoingUrl(text, { allowPrivateNetworks: false });
const ana = 'ana@example.org';
const endpoint = 'https://push.example.net/send/s3cret';

describe('an endpoint', () => {
  it('is let in unless it leads where nothing is sent', async () => {
    const asked: string[] = [];
    const judge = async (name: string) => {
      asked.push(name);
      return name.startsWith('inside.') ? 'Its host is not in the public network.' : undefined;
    };
    const door = createDoor({ parse, judge }, () => 0);
    await expect(door.check(ana, endpoint)).resolves.toBeUndefined();
    await expect(door.check(ana, 'https://inside.example.net/s3cret')).rejects.toMatchObject({
      condition: 'policy-violation',
      text: 'The endpoint cannot be used. Its host is not in the public network.',
    });
    expect(asked).toEqual(['push.example.net', 'inside.example.net']);
  });

  it('is not asked for if it is none by itself', async () => {
    const door = createDoor({ parse, judge: () => Promise.reject(new Error('was asked')) }, () => 0);
    await expect(door.check(ana, 'https://127.0.0.1/')).rejects.toMatchObject({
      condition: 'policy-violation',
    });
  });
});

describe('names that an account has asked for', () => {
  it('are a few at once', async () => {
    const ends: (() => void)[] = [];
    const judge = () => new Promise<undefined>((resolve) => ends.push(() => resolve(undefined)));
    const door = createDoor({ parse, judge }, () => 0);
    const open = Array.from({ length: maxQuestions }, () => door.check(ana, endpoint));
    await expect(door.check(ana, endpoint)).rejects.toMatchObject({ condition: 'resource-constraint' });
    const other = door.check('eve@example.org', endpoint);
    ends[0]?.();
    await open[0];
    const next = door.check(ana, endpoint);
    for (const end of ends) end();
    await expect(Promise.all([...open, other, next])).resolves.toHaveLength(maxQuestions + 2);
  });

  it('are some hundreds at once, however many accounts ask', async () => {
    const ends: (() => void)[] = [];
    const judge = () => new Promise<undefined>((resolve) => ends.push(() => resolve(undefined)));
    const door = createDoor({ parse, judge }, () => 0);
    const open = Array.from({ length: maxQuestionsInAll }, (_, at) =>
      door.check(`mallory${at}@example.org`, endpoint),
    );
    await expect(door.check(ana, endpoint)).rejects.toMatchObject({ condition: 'resource-constraint' });
    expect(ends).toHaveLength(maxQuestionsInAll);
    for (const end of ends) end();
    await Promise.all(open);
    const next = door.check(ana, endpoint);
    ends.at(-1)?.();
    await expect(next).resolves.toBeUndefined();
  });

  it('count no longer when the answer was bad', async () => {
    const door = createDoor({ parse, judge: async () => 'It is not.' }, () => 0);
    for (let i = 0; i < 2 * maxQuestions; i++) {
      await expect(door.check(ana, endpoint)).rejects.toMatchObject({ condition: 'policy-violation' });
    }
  });

  it('are no more than it may change in some minutes', async () => {
    let now = 0;
    let asked = 0;
    const judge = async () => {
      asked++;
      return undefined;
    };
    const door = createDoor({ parse, judge }, () => now);
    for (let i = 0; i < changeLimit.each; i++) await door.check(ana, endpoint);
    await expect(door.check(ana, endpoint)).rejects.toMatchObject({ condition: 'resource-constraint' });
    expect(asked).toBe(changeLimit.each);
    await door.check('eve@example.org', endpoint);
    now += changeLimit.duration;
    await door.check(ana, endpoint);
    expect(asked).toBe(changeLimit.each + 2);
  });
});
