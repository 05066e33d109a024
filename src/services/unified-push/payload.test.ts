import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { pushElement, readRegister, registeredElement } from './payload.js';
import { parsePushPayload } from './push-payload.js';

const application = '8xbqhS2I8Bp2pMfMlPiDKRb3E8Wb4yLxf2WxJq0nZ3I=';
const instance = 'wR3pyyvOqJ0o3vKZ8nLrYxk1QGmVtHeSBbT7uD9cFiU=';

function register(attrs: Record<string, string>) {
  return readRegister(el('register', ns.unifiedPush, attrs));
}

describe('parsePushPayload', () => {
  it.each([
    [0, 'empty-body'],
    [4097, 'body-too-large'],
  ])('refuses %i bytes', (size, code) => {
    expect(parsePushPayload(new Uint8Array(size))).toBe(code);
  });

  it.each([1, 4096])('takes %i bytes', (size) => {
    const body = new Uint8Array(size);
    expect(parsePushPayload(body)).toBe(body);
  });
});

describe('readRegister', () => {
  it('takes two hashes and ignores what else is there', () => {
    expect(register({ application, instance, vapid: 'BA1H' })).toEqual({ application, instance });
  });

  it('takes the base64 of any 32 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(register({ application: text, instance })).toEqual({ application: text, instance });
      }),
    );
  });

  it.each([
    ['missing', {}, 'instance: no value provided'],
    ['empty', { instance: '' }, 'instance: no value provided'],
    ['not base64', { instance: '*'.repeat(44) }, 'instance: invalid base64'],
    ['unpadded', { instance: instance.slice(0, -1) }, 'instance: invalid base64'],
    ['of the URL alphabet', { instance: `${'-'.repeat(42)}8=` }, 'instance: invalid base64'],
    ['with unused bits set', { instance: `${'A'.repeat(42)}B=` }, 'instance: invalid base64'],
    ['with white space', { instance: ` ${instance}` }, 'instance: invalid base64'],
    ['too short', { instance: randomBytes(31).toString('base64') }, 'instance: incorrect decoded length 31'],
    ['too long', { instance: randomBytes(33).toString('base64') }, 'instance: incorrect decoded length 33'],
    ['missing in application', { instance }, 'application: no value provided'],
    ['in hexadecimal', { instance, application: 'a'.repeat(64) }, 'application: incorrect decoded length 48'],
  ])('names what is %s', (_what, attrs: Record<string, string>, text) => {
    expect(register(attrs)).toContain(text);
  });
});

describe('elements', () => {
  it('say the expiration in UTC to the second', () => {
    const registered = registeredElement('https://push.example.org/push/x', 1788868800);
    expect(registered).toEqual(
      el('registered', ns.unifiedPush, {
        endpoint: 'https://push.example.org/push/x',
        expiration: '2026-09-08T12:00:00Z',
      }),
    );
  });

  it('carry a payload as one line of base64, whatever larger buffer it lies in', () => {
    const registration = { jid: Jid.parse('ana@example.org/phone'), application, instance, expiresAt: 0 };
    const payload = parsePushPayload(Buffer.alloc(5000, 'ÿ').subarray(900, 4996));
    if (typeof payload === 'string') throw new Error(payload);
    const text = pushElement(registration, payload).text();
    expect(text).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(Buffer.from(text, 'base64')).toEqual(Buffer.from(payload));
  });
});
