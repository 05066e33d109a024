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
