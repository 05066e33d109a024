import { describe, expect, it } from 'vitest';
import { readScramText, writeScramText } from './scram-text.js';

const keys = {
  salt: Uint8Array.of(1, 2, 3),
  iterations: 10_000,
  storedKey: new Uint8Array(32).fill(255),
  serverKey: new Uint8Array(32).fill(250),
};

describe('SCRAM keys as text', () => {
  it('have the form of RFC 5803', () => {
    const text = writeScramText('SCRAM-SHA-256', keys);
    expect(text).toMatch(/^SCRAM-SHA-256\$10000:AQID\$\/{42}8=:[+/\w]{43}=$/);
    const { salt, storedKey, serverKey, iterations } = readScramText(text);
    expect({
      iterations,
      salt: Uint8Array.from(salt),
      storedKey: Uint8Array.from(storedKey),
      serverKey: Uint8Array.from(serverKey),
    }).toEqual(keys);
  });

  it.each(['', 'canary', 'SCRAM-SHA-1$x:AA==$AA==:AA==', 'SCRAM-SHA-1$1:AA==$canary', '$1:canary$a:b'])(
    'that are damaged are refused without being repeated: %j',
    (text) => {
      expect(() => readScramText(text)).toThrow('not in the form of RFC 5803');
      expect(() => readScramText(text)).not.toThrow('canary');
    },
  );
});
