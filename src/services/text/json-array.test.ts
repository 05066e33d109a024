import { expect, it } from 'vitest';
import { readJsonArray } from './json-array.js';

it.each([
  ['["a",1]', ['a', 1]],
  ['[]', []],
  ['{"0":"a"}', []],
  ['null', []],
  ['["a"', []],
  ['', []],
])('of %j the members are %j', (text, members) => {
  expect(readJsonArray(text)).toEqual(members);
});
