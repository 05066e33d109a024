import { describe, expect, it, vi } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { KeyQuestions } from './key-questions.js';

const pair = { local: 'alpha.example', remote: 'beta.example' };
const answer = (id: string | undefined, type: string) =>
  ({ kind: 'verify', pair, id, type, key: '' }) as const;

function questions(max = 2) {
  const clock = new FakeClock();
  return { clock, questions: new KeyQuestions(clock, 1_000, max) };
}

describe('questions about keys', () => {
  it('are answered by the id of the stream, in any order', async () => {
    const { clock, questions: asked } = questions();
    const verdicts = Promise.all([asked.ask('one', () => undefined), asked.ask('two', () => undefined)]);
    asked.answer(answer('two', 'invalid'));
    asked.answer(answer('one', 'valid'));
    expect(await verdicts).toEqual(['valid', 'invalid']);
    expect(clock.pending).toEqual([]);
  });

  it('are not answered by what was not asked', async () => {
    const { clock, questions: asked } = questions();
    asked.answer(answer('one', 'valid'));
    const verdict = asked.ask('one', () => undefined);
    asked.answer(answer('two', 'valid'));
    asked.answer(answer(undefined, 'valid'));
    clock.advance(1_000);
    expect(await verdict).toBe('unreachable');
  });

  it.each(['error', 'Valid', ''])('are answered with %j by nothing that counts', async (type) => {
    const { questions: asked } = questions();
    const verdict = asked.ask('one', () => undefined);
    asked.answer(answer('one', type));
    expect(await verdict).toBe('unreachable');
  });

  it('are as many as may be, and one for each stream', async () => {
    const { questions: asked } = questions();
    const send = vi.fn();
    void asked.ask('one', send);
    expect(await asked.ask('one', send)).toBe('unreachable');
    void asked.ask('two', send);
    expect(await asked.ask('three', send)).toBe('unreachable');
    expect(send).toHaveBeenCalledTimes(2);
  });

  it('end with their stream', async () => {
    const { clock, questions: asked } = questions();
    const verdict = asked.ask('one', () => undefined);
    asked.close();
    expect(await verdict).toBe('unreachable');
    expect(clock.pending).toEqual([]);
  });
});
