import { expect, it } from 'vitest';
import { formatAddress } from './format-address.js';

it.each([
  [{ host: '127.0.0.1', port: 5280 }, '127.0.0.1:5280'],
  [{ host: 'localhost', port: 80 }, 'localhost:80'],
  [{ host: '::1', port: 5280 }, '[::1]:5280'],
])('an address is written as in a URL: %o', (address, text) => expect(formatAddress(address)).toBe(text));
