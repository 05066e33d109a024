import { describe, expect, it } from 'vitest';
import { FakeServer } from '../../../../tests/harness/fake-server.js';
import { Jid } from '../../../xmpp/jid.js';
import { CopiedLately } from './copied-lately.js';

const ben = Jid.parse('ben@example.com');

describe('what was copied lately', () => {
  it('is known by its id and receiver, for each account alone', async () => {
    const server = new FakeServer();
    const ana = await server.addAccount('ana@example.org');
    const eve = await server.addAccount('eve@example.org');
    const lately = new CopiedLately();
    lately.add(ana, 'a', ben);
    lately.add(ana, undefined, ben);
    expect(lately.has(ana, 'a', ben)).toBe(true);
    expect(lately.has(ana, 'b', ben)).toBe(false);
    expect(lately.has(ana, 'a', Jid.parse('ben@example.com/pc'))).toBe(false);
    expect(lately.has(ana, undefined, ben)).toBe(false);
    expect(lately.has(eve, 'a', ben)).toBe(false);
  });

  it('is forgotten when there is more', async () => {
    const ana = await new FakeServer().addAccount('ana@example.org');
    const lately = new CopiedLately();
    for (let id = 0; id < 60; id++) lately.add(ana, String(id), ben);
    const known = Array.from({ length: 60 }, (_, id) => lately.has(ana, String(id), ben));
    expect(known.indexOf(true)).toBe(10);
    expect(known.lastIndexOf(false)).toBe(9);
  });

  it('does not have ids that are too long', async () => {
    const ana = await new FakeServer().addAccount('ana@example.org');
    const lately = new CopiedLately();
    lately.add(ana, 'x'.repeat(201), ben);
    expect(lately.has(ana, 'x'.repeat(201), ben)).toBe(false);
  });
});
