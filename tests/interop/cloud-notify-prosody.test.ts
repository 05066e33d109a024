import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { playScenarios } from '../harness/cloud-notify/play.js';
import { suites } from '../harness/cloud-notify/suites.js';
import { startProsodyWorld } from '../harness/cloud-notify/world.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody } from '../harness/prosody.js';
import { hasSlixmpp } from '../harness/slixmpp-client.js';

describeWithPeers('a Prosody that pushes', { prosody: hasProsody, slixmpp: hasSlixmpp }, () => {
  const has = ['rooms', 'patience', 'slixmpp'] as const;
  for (const { title, scenarios, ...how } of suites) {
    playScenarios(title, scenarios, { ...how, start: startProsodyWorld, has, isProsody: true });
  }
});

it('docs/cloud-notify-prosody.md has every difference, and no other', () => {
  const page = readFileSync(new URL('../../docs/cloud-notify-prosody.md', import.meta.url), 'utf8');
  const [, table = ''] = page.split('\n## What is different\n');
  const [, , ...rows] = table.split('\n').filter((line) => line.startsWith('|'));
  const differences = suites.flatMap(({ scenarios }) => scenarios.flatMap(({ prosody }) => prosody ?? []));
  const told = differences.map(({ prosody, belfry, why }) => `| ${prosody} | ${belfry} | ${why} |`);
  expect(rows.sort()).toEqual([...new Set(told)].sort());
});
