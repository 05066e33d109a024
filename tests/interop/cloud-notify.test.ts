import { describe } from 'vitest';
import { playScenarios } from '../harness/cloud-notify/play.js';
import { defaultSuite, suites } from '../harness/cloud-notify/suites.js';
import { startAttachedWorld, startFederatedWorld } from '../harness/cloud-notify/world.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody } from '../harness/prosody.js';
import { hasSlixmpp } from '../harness/slixmpp-client.js';

describe('a Belfry that pushes to a component', () => {
  for (const { title, scenarios, ...how } of suites) {
    playScenarios(title, scenarios, {
      ...how,
      start: startAttachedWorld,
      has: ['patience'],
      isProsody: false,
    });
  }
});

describeWithPeers(
  'a Belfry that pushes to another server',
  { prosody: hasProsody, slixmpp: hasSlixmpp },
  () => {
    const { title, scenarios } = defaultSuite;
    const has = ['rooms', 'slixmpp'] as const;
    playScenarios(title, scenarios, { start: startFederatedWorld, has, isProsody: false });
  },
);
