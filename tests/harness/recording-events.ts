import type { Events } from '../../src/observability/events.js';

/** An event that happened: its name and what it told. */
type Recorded = { [K in keyof Events]: { readonly name: K } & Parameters<Events[K]>[0] }[keyof Events];

/** Events that are only kept, in order, for a test to look at. */
export function recordingEvents(): { readonly events: Events; readonly recorded: Recorded[] } {
  const recorded: Recorded[] = [];
  const events: Events = {
    hostConnected: (event) => recorded.push({ name: 'hostConnected', ...event }),
    hostDisconnected: (event) => recorded.push({ name: 'hostDisconnected', ...event }),
    iqAnswerIgnored: (event) => recorded.push({ name: 'iqAnswerIgnored', ...event }),
    stanzaDropped: (event) => recorded.push({ name: 'stanzaDropped', ...event }),
    stanzaMisrouted: (event) => recorded.push({ name: 'stanzaMisrouted', ...event }),
    handlerFailed: (event) => recorded.push({ name: 'handlerFailed', ...event }),
    registered: (event) => recorded.push({ name: 'registered', ...event }),
    registrationRefused: (event) => recorded.push({ name: 'registrationRefused', ...event }),
    pushAnswered: (event) => recorded.push({ name: 'pushAnswered', ...event }),
    registrationRevoked: (event) => recorded.push({ name: 'registrationRevoked', ...event }),
    swept: (event) => recorded.push({ name: 'swept', ...event }),
    storageFailed: (event) => recorded.push({ name: 'storageFailed', ...event }),
    listening: (event) => recorded.push({ name: 'listening', ...event }),
    sessionStarted: (event) => recorded.push({ name: 'sessionStarted', ...event }),
    sessionEnded: (event) => recorded.push({ name: 'sessionEnded', ...event }),
    authenticationFailed: (event) => recorded.push({ name: 'authenticationFailed', ...event }),
    streamFailed: (event) => recorded.push({ name: 'streamFailed', ...event }),
    connectionRefused: (event) => recorded.push({ name: 'connectionRefused', ...event }),
    offlineMessage: (event) => recorded.push({ name: 'offlineMessage', ...event }),
    sessionHibernated: (event) => recorded.push({ name: 'sessionHibernated', ...event }),
    sessionResumed: (event) => recorded.push({ name: 'sessionResumed', ...event }),
    hibernationEnded: (event) => recorded.push({ name: 'hibernationEnded', ...event }),
    resumptionFailed: (event) => recorded.push({ name: 'resumptionFailed', ...event }),
    acknowledgementDelayed: (event) => recorded.push({ name: 'acknowledgementDelayed', ...event }),
    messageArchived: (event) => recorded.push({ name: 'messageArchived', ...event }),
    serverConnected: (event) => recorded.push({ name: 'serverConnected', ...event }),
    serverDisconnected: (event) => recorded.push({ name: 'serverDisconnected', ...event }),
    serverUnreachable: (event) => recorded.push({ name: 'serverUnreachable', ...event }),
    serverRefused: (event) => recorded.push({ name: 'serverRefused', ...event }),
    componentAwaited: (event) => recorded.push({ name: 'componentAwaited', ...event }),
    componentAttached: (event) => recorded.push({ name: 'componentAttached', ...event }),
    componentDetached: (event) => recorded.push({ name: 'componentDetached', ...event }),
    componentRefused: (event) => recorded.push({ name: 'componentRefused', ...event }),
    accountCreated: (event) => recorded.push({ name: 'accountCreated', ...event }),
    accountRemoved: (event) => recorded.push({ name: 'accountRemoved', ...event }),
    passwordChanged: (event) => recorded.push({ name: 'passwordChanged', ...event }),
    certificateLoaded: (event) => recorded.push({ name: 'certificateLoaded', ...event }),
    certificateRejected: (event) => recorded.push({ name: 'certificateRejected', ...event }),
    deviceEnabled: (event) => recorded.push({ name: 'deviceEnabled', ...event }),
    deviceRefused: (event) => recorded.push({ name: 'deviceRefused', ...event }),
    deviceRemoved: (event) => recorded.push({ name: 'deviceRemoved', ...event }),
    deviceRests: (event) => recorded.push({ name: 'deviceRests', ...event }),
    deviceActiveAgain: (event) => recorded.push({ name: 'deviceActiveAgain', ...event }),
    notificationDecided: (event) => recorded.push({ name: 'notificationDecided', ...event }),
    notificationSent: (event) => recorded.push({ name: 'notificationSent', ...event }),
    notificationDropped: (event) => recorded.push({ name: 'notificationDropped', ...event }),
    webPushSent: (event) => recorded.push({ name: 'webPushSent', ...event }),
    webPushQueued: (event) => recorded.push({ name: 'webPushQueued', ...event }),
    webPushDropped: (event) => recorded.push({ name: 'webPushDropped', ...event }),
    webPushOriginHeld: (event) => recorded.push({ name: 'webPushOriginHeld', ...event }),
    httpRefused: (event) => recorded.push({ name: 'httpRefused', ...event }),
  };
  return { events, recorded };
}
