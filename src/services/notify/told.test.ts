import { describe, expect, it } from 'vitest';
import { message } from '../../xmpp/stanza.js';
import { Told } from './told.js';

describe('Told', () => {
  it('knows who was told of which stanza', () => {
    const told = new Told();
    const stanza = message({ to: 'ana@example.org' });
    expect(told.has(stanza, 'phone')).toBe(false);
    told.add(stanza, 'phone', { isLost: false });
    told.add(stanza, 'tablet', { isLost: false });
    told.add(stanza, 'phone', { isLost: false });
    expect(told.has(stanza, 'phone')).toBe(true);
    expect(told.has(stanza, 'tablet')).toBe(true);
    expect(told.has(stanza, 'desktop')).toBe(false);
  });

  it('takes no stanza for another that says the same', () => {
    const told = new Told();
    told.add(message({ to: 'ana@example.org' }), 'phone', { isLost: false });
    expect(told.has(message({ to: 'ana@example.org' }), 'phone')).toBe(false);
  });

  it('knows that somebody was never told after all', () => {
    const told = new Told();
    const stanza = message({ to: 'ana@example.org' });
    const telling = { isLost: false };
    told.add(stanza, 'phone', telling);
    telling.isLost = true;
    expect(told.has(stanza, 'phone')).toBe(false);
    told.add(stanza, 'phone', { isLost: false });
    expect(told.has(stanza, 'phone')).toBe(true);
  });
});
