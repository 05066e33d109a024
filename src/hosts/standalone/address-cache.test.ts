import { describe, expect, it } from 'vitest';
import { AddressCache } from './address-cache.js';

describe('AddressCache', () => {
  it('reads an address once', () => {
    const addresses = new AddressCache(2);
    const first = addresses.read('Ana@Example.org/desk');
    expect(first?.toString()).toBe('ana@example.org/desk');
    expect(addresses.read('Ana@Example.org/desk')).toBe(first);
  });

  it('knows no address for what is none', () => {
    const addresses = new AddressCache(2);
    expect(addresses.read(undefined)).toBeUndefined();
    expect(addresses.read('@')).toBeUndefined();
  });

  it('forgets the oldest', () => {
    const addresses = new AddressCache(2);
    const [a, b] = [addresses.read('a@example.org'), addresses.read('b@example.org')];
    addresses.read('c@example.org');
    expect(addresses.read('b@example.org')).toBe(b);
    expect(addresses.read('a@example.org')).not.toBe(a);
  });

  it('reads very long ones and does not keep them', () => {
    const addresses = new AddressCache(2);
    const text = `a@example.org/${'r'.repeat(500)}`;
    const jid = addresses.read(text);
    expect(jid?.toString()).toBe(text);
    expect(addresses.read(text)).not.toBe(jid);
  });
});
