import { describe, expect, it } from 'vitest';
import { calm } from '../../../../tests/harness/web-push-stage.js';
import { Newest } from './newest.js';

/** Work that ends when it is told to, by its name. */
function works() {
  const newest = new Newest<string>();
  const begun: string[] = [];
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const give = (name: string, key = 'key') =>
    newest.run(key, () => {
      begun.push(name);
      return new Promise((resolve, reject) => ends.set(name, { resolve: () => resolve(name), reject }));
    });
  return { begun, give, end: (name: string) => ends.get(name)?.resolve(), ends };
}

describe('of what is given for a key', () => {
  it('the first begins at once, the newest when that is done; all hear of it', async () => {
    const { begun, give, end } = works();
    const given = ['a', 'b', 'c', 'd'].map((name) => give(name));
    expect(begun).toEqual(['a']);
    end('a');
    await calm();
    expect(begun).toEqual(['a', 'd']);
    const late = give('e');
    end('d');
    await calm();
    end('e');
    expect(await Promise.all([...given, late])).toEqual(['a', 'd', 'd', 'd', 'e']);
    expect(begun).toEqual(['a', 'd', 'e']);
  });

  it('the next begins though the one before fails', async () => {
    const { begun, give, end, ends } = works();
    const failing = give('a');
    const next = give('b');
    ends.get('a')?.reject(new Error('no'));
    await expect(failing).rejects.toThrow('no');
    await calm();
    expect(begun).toEqual(['a', 'b']);
    end('b');
    expect(await next).toBe('b');
  });

  it('nothing waits for what was given for another', () => {
    const { begun, give } = works();
    void give('a', 'one');
    void give('b', 'two');
    expect(begun).toEqual(['a', 'b']);
  });

  it('one begins at once again when nothing is under way', async () => {
    const { begun, give, end } = works();
    const first = give('a');
    end('a');
    await first;
    await calm();
    void give('b');
    expect(begun).toEqual(['a', 'b']);
  });
});
