import { describe, expect, it } from 'vitest';
import { message } from '../../xmpp/stanza.js';
import { Told } from './told.js';

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
});
