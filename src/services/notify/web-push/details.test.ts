import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detailsText, readDetails } from './details.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyDetails = fc.record({ p256dh: bytes(65), auth: bytes(16), wantsUnimportant: fc.boolean() });

describe('details of a subscription', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(anyDetails, (details) => {
        expect(readDetails(detailsText(details))).toEqual(details);
      }),
    );
  });

  it('are not read from anything else', () => {
    const key = Buffer.alloc(65).toString('base64url');
    const auth = Buffer.alloc(16).toString('base64url');
    for (const text of ['', '1', '1{}', '1[', '2[]', '1[]', `1["${key}"]`, `1["${key}","AAAA",true]`]) {
      expect(readDetails(text)).toBeUndefined();
    }
    expect(readDetails(`1["${key}","${auth}",false]`)).toMatchObject({ wantsUnimportant: false });
    fc.assert(fc.property(fc.string(), (text) => void expect(readDetails(text)).toBeUndefined()));
  });
});
