import { scenarios } from '../harness/cloud-notify/all-scenarios.js';
import { playScenarios } from '../harness/cloud-notify/play.js';
import { startProsodyWorld } from '../harness/cloud-notify/world.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody } from '../harness/prosody.js';

describeWithPeers('cloud notify of Prosody', { prosody: hasProsody }, () => {
  playScenarios('by default', scenarios, {
    start: startProsodyWorld,
    has: ['rooms', 'patience'],
    isProsody: true,
  });
});
