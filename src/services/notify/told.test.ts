import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { message } from '../../xmpp/stanza.js';
import { Told } from './told.js';

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

describe('Told', () => {
  it('knows who was told of which stanza', () => {
    const told = new Told();
    const stanza = message({ to: 'ana@example.org' });
    const [first, second] = [{ isLost: false }, { isLost: false }];
    expect(told.by(stanza, 'phone')).toBeUndefined();
    told.add(stanza, 'phone', { isLost: false });
    told.add(stanza, 'tablet', first);
    told.add(stanza, 'phone', second);
    expect(told.by(stanza, 'phone')).toBe(second);
    expect(told.by(stanza, 'tablet')).toBe(first);
    expect(told.by(stanza, 'desktop')).toBeUndefined();
  });

  it('takes no stanza for another that says the same', () => {
    const told = new Told();
    told.add(message({ to: 'ana@example.org' }), 'phone', { isLost: false });
    expect(told.by(message({ to: 'ana@example.org' }), 'phone')).toBeUndefined();
  });

  it('knows that somebody was never told after all', () => {
    const told = new Told();
    const stanza = message({ to: 'ana@example.org' });
    const telling = { isLost: false };
    told.add(stanza, 'phone', telling);
    telling.isLost = true;
    expect(told.by(stanza, 'phone')).toBeUndefined();
    told.add(stanza, 'phone', { isLost: false });
    expect(told.by(stanza, 'phone')).toEqual({ isLost: false });
  });

  it('forgets what is told anew, and what was never told, while the stanza stays', async () => {
    const told = new Told();
    const stanza = message({ to: 'ana@example.org' });
    const add = (key: string, isLost: boolean) => {
      const telling = { isLost };
      told.add(stanza, key, telling);
      return new WeakRef(telling);
    };
    const former = [add('phone', false), add('tablet', true), add('phone', true)];
    const kept = { isLost: false };
    told.add(stanza, 'desktop', kept);
    told.add(stanza, 'phone', kept);
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(former.map((each) => each.deref())).toEqual([undefined, undefined, undefined]);
    expect(['phone', 'tablet', 'desktop'].map((key) => told.by(stanza, key))).toEqual([
      kept,
      undefined,
      kept,
    ]);
  });
});
