import { describe, expect, it } from 'vitest';
import { Strangers } from './strangers.js';

const from = (remoteAddress: string) => ({ remoteAddress });

describe('Strangers', () => {
  it('are counted, each once', () => {
    const strangers = new Strangers();
    const one = from('192.0.2.1');
    strangers.add(one);
    strangers.add(from('192.0.2.2'));
    expect(strangers.size).toBe(2);
    strangers.delete(one);
    strangers.delete(one);
    strangers.delete(from('192.0.2.2'));
    expect(strangers.size).toBe(1);
  });

  it('make room in the order in which they came, if all come from different networks', () => {
    const strangers = new Strangers();
    const [first, second] = [from('192.0.2.1'), from('192.0.2.2')];
    strangers.add(first);
    strangers.add(second);
    expect(strangers.mostDispensable()).toBe(first);
    strangers.delete(first);
    expect(strangers.mostDispensable()).toBe(second);
    strangers.delete(second);
    expect(strangers.mostDispensable()).toBeUndefined();
  });

  it('make room first where most of them are: an IPv4 address, or an IPv6 network', () => {
    const strangers = new Strangers();
    const crowd = [from('2001:db8::1'), from('2001:db8::2'), from('2001:db8::1')];
    strangers.add(from('192.0.2.1'));
    strangers.add(from('2001:db9::1'));
    for (const one of crowd) strangers.add(one);
    expect(strangers.mostDispensable()).toBe(crowd[0]);
  });
});
