import { scenarios } from '../harness/cloud-notify/all-scenarios.js';
import { playScenarios } from '../harness/cloud-notify/play.js';
import { startAttachedWorld, startFederatedWorld } from '../harness/cloud-notify/world.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasProsody } from '../harness/prosody.js';

playScenarios('cloud notify, with an app server as component', scenarios, {
  start: startAttachedWorld,
  has: ['patience'],
  isProsody: false,
});

describeWithPeers('cloud notify by federation', { prosody: hasProsody }, () => {
  playScenarios('by default', scenarios, { start: startFederatedWorld, has: ['rooms'], isProsody: false });
});
