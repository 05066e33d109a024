import { expect, it } from 'vitest';
import { createFloodGate } from './flood-gate.js';

it('lets one line of the same trouble pass in ten seconds, and says how many it held back', () => {
  let now = 0;
  const gate = createFloodGate(() => now);
  expect(gate('overloaded', 'warn')).toEqual({ level: 'warn' });
  expect(gate('overloaded', 'warn')).toEqual({ level: 'debug' });
  expect(gate('storage', 'error')).toEqual({ level: 'error' });
  now = 9_999;
  expect(gate('overloaded', 'warn')).toEqual({ level: 'debug' });
  now = 10_000;
  expect(gate('overloaded', 'warn')).toEqual({ level: 'warn', suppressed: 2 });
  now = 20_000;
  expect(gate('overloaded', 'warn')).toEqual({ level: 'warn' });
});

it('holds back at every level but debug', () => {
  const gate = createFloodGate(() => 0);
  expect(gate('no-answer', 'info')).toEqual({ level: 'info' });
  expect(gate('no-answer', 'info')).toEqual({ level: 'debug' });
  expect(gate('unknown-endpoint', 'debug')).toEqual({ level: 'debug' });
});

it('tells a bounded number of kinds apart, and holds back those beyond as one', () => {
  let now = 0;
  const gate = createFloodGate(() => now);
  for (let n = 0; n < 500; n++) expect(gate(`kind ${n}`, 'warn')).toEqual({ level: 'warn' });
  expect(gate('one more', 'warn')).toEqual({ level: 'warn' });
  for (const kind of ['another', 'kind 0']) expect(gate(kind, 'warn')).toEqual({ level: 'debug' });
  now = 10_000;
  expect(gate('one more', 'warn')).toEqual({ level: 'warn' });
});
