import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createForwarded } from './forwarded.js';

function requestFrom(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
  const request = new IncomingMessage(socket);
  Object.assign(request.headers, headers);
  return request;
}

const { addressOf, isPrivate } = createForwarded(['10.0.0.0/8', '2001:db8::1', '192.0.2.7']);

describe('the address of a client', () => {
  it.each([
    ['203.0.113.5', undefined, '203.0.113.5'],
    ['203.0.113.5', '198.51.100.1', '203.0.113.5'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['2001:db8::1', '2001:db8::2', '2001:db8::2'],
    ['10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['10.1.2.3', '1.1.1.1,  198.51.100.1 ,192.0.2.7', '198.51.100.1'],
    ['10.1.2.3', '10.9.9.9', '10.9.9.9'],
    ['10.1.2.3', 'unknown', 'unknown'],
  ])('%s with %j is %s', (remote, forwardedFor, address) => {
    expect(addressOf(requestFrom(remote, forwardedFor ? { 'x-forwarded-for': forwardedFor } : {}))).toBe(
      address,
    );
  });
});

describe('a connection is private', () => {
  it.each([
    ['127.0.0.1', undefined, true],
    ['127.9.9.9', 'https', true],
    ['::1', undefined, true],
    ['::ffff:127.0.0.1', 'HTTPS', true],
    ['127.0.0.1', 'http', false],
    ['10.1.2.3', undefined, true],
    ['10.1.2.3', 'wss', true],
    ['10.1.2.3', 'http', false],
    ['10.1.2.3', 'https, http', false],
    ['203.0.113.5', undefined, false],
    ['203.0.113.5', 'https', false],
    ['', 'https', false],
  ])('from %s with %j: %s', (remote, scheme, expected) => {
    expect(isPrivate(requestFrom(remote, scheme ? { 'x-forwarded-proto': scheme } : {}))).toBe(expected);
  });
});
