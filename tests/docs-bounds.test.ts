import { describe, expect, it } from 'vitest';
import { maxLineBytes } from '../src/control/protocol.js';
import { defaultConnectionLimits } from '../src/hosts/component/connection.js';
import { defaultC2sLimits } from '../src/hosts/standalone/c2s/limits.js';
import { defaultComponentLimits } from '../src/hosts/standalone/components/limits.js';
import { heldBackLimits } from '../src/hosts/standalone/modules/held-back.js';
import { defaultFederationLimits } from '../src/hosts/standalone/s2s/federation-limits.js';
import { accountLimits } from '../src/hosts/standalone/settings.js';
import { defaultParserLimits } from '../src/xmpp/parser.js';
import { constant, count, doc, kib, mib, seconds, section, tableRows } from './harness/documents.js';

describe('docs/architecture.md', () => {
  const documented = tableRows(section(doc('architecture.md'), 'Bounds')).map(([what, bound]) => [
    what,
    bound,
  ]);
  const component = (name: string) => constant('hosts/component/component-host.ts', name);
  const service = (name: string) => count(constant('services/unified-push/service.ts', name));
  const postgres = (name: string) => constant('storage/postgres.ts', name);
  const sweep = (name: string) => constant('services/unified-push/sweep.ts', name);
  const perAccount = constant('services/unified-push/tokens/storage.ts', 'maxPerAccount');
  const { stanzaBytes, writeQueueBytes, connectTimeout, handshakeTimeout, closeTimeout } =
    defaultConnectionLimits;

  it('has each bound as the code has it', () => {
    expect(connectTimeout).toBe(handshakeTimeout);
    expect(documented).toEqual([
      ['pushes under way', service('underWayInAll')],
      ['pushes under way per registration', service('underWayEach')],
      ['pushes per minute and registration', '`unified_push.rate_limit`'],
      ['registrations whose rate is counted', service('countedKeys')],
      ['registrations of an account in the `storage` backend', count(perAccount)],
      ["wait for a device's answer", '`unified_push.push_timeout`'],
      [
        'verified tokens in memory, per stateless backend',
        count(constant('services/unified-push/tokens/stateless.ts', 'cachedTokens')),
      ],
      ['open IQs', count(component('openRequests'))],
      ['handlers of IQs under way', count(component('handlersUnderWay'))],
      ['bytes waiting to be written to the XMPP server', `${writeQueueBytes / 1024 ** 2} MiB`],
      ['bytes of a stanza from the server', `${stanzaBytes / 1024 / 1024} MiB`],
      ['elements inside each other in a stanza', `${defaultParserLimits.depth}`],
      ['attributes of an element', `${defaultParserLimits.attributes}`],
      ['characters of a name in XML', `${defaultParserLimits.nameLength}`],
      ['bytes of each part of a JID', count(constant('xmpp/jid.ts', 'maxPartBytes'))],
      ['bytes of an endpoint', count(constant('services/unified-push/register.ts', 'maxEndpointBytes'))],
      ['time to connect, and then to shake hands', `${seconds(connectTimeout)} each`],
      [
        'silence of the XMPP server',
        `${seconds(component('idle'))}, then ${component('grace') / 1000} after a ping`,
      ],
      [
        'wait before a further attempt to connect',
        `${seconds(component('firstDelay'))}, doubled up to ${component('longestDelay') / 1000}`,
      ],
      [
        'last answers of handlers, and then the end of the stream, when Belfry stops',
        `${seconds(closeTimeout)} each`,
      ],
      ['PostgreSQL connections', `${postgres('maxConnections')}`],
      [
        'queries waiting for a connection',
        `${count(postgres('maxWaiting'))}, each ${seconds(postgres('connectTimeout'))}`,
      ],
      ['time of a statement in PostgreSQL', seconds(postgres('statementTimeout'))],
      ["wait for SQLite's lock", seconds(constant('storage/sqlite.ts', 'busyTimeout'))],
      ['writes waiting for SQLite', count(constant('storage/group-commit.ts', 'maxWaiting'))],
      [
        'messages waiting to be written to an archive in PostgreSQL',
        count(constant('storage/batch-inserts.ts', 'maxWaiting')),
      ],
      [
        'offline messages of an account waiting for PostgreSQL',
        count(constant('storage/offline.ts', 'maxWaiting')),
      ],
      [
        'expired rows removed at once',
        `${count(sweep('batchRows') * sweep('maxBatches'))} of each kind, an hour`,
      ],
      ['check of readiness', seconds(constant('observability/health.ts', 'timeout'))],
      [
        'log lines of the same trouble',
        `one in ${seconds(constant('observability/flood-gate.ts', 'quietTime'))}`,
      ],
      ['configuration file', kib(constant('config/load.ts', 'maxFileBytes'))],
      [
        'lists and sections in each other that begin in one line of it',
        count(constant('config/yaml-depth.ts', 'maxDepth')),
      ],
      ['file of a secret', kib(constant('config/parse-values.ts', 'maxSecretBytes'))],
    ]);
    expect(constant('app.ts', 'sweepInterval')).toBe(60 * 60 * 1000);
  });

  const control = (name: string) => constant('control/server.ts', name);
  const standalone = (file: string, name: string) => constant(`hosts/standalone/${file}`, name);
  const core = (name: string) => count(standalone('core.ts', name));

  it('has each bound of the embedded server as the code has it', () => {
    const rows = tableRows(section(doc('architecture.md'), 'Bounds of the embedded server'));
    const limits = defaultC2sLimits;
    const requests = standalone('presence/subscriptions.ts', 'maxPendingRequests');
    const requestBytes = standalone('presence/subscriptions.ts', 'maxRequestBytes');
    const open = (name: string) => standalone('modules/open-registration.ts', name);
    const managed = (name: string) => standalone('stream-management/managed-link.ts', name);
    const inFlight = standalone('stream-management/client-work.ts', 'maxInFlight');
    const offline = (name: string) => standalone('modules/offline.ts', name);
    const changes = (name: string) => standalone('modules/registration.ts', name);
    expect(rows.map(([what, bound]) => [what, bound])).toEqual([
      ['connections from one address', '`standalone.max_connections_per_address`'],
      ['connections that have not authenticated', count(limits.unauthenticatedConnections)],
      [
        'time until a resource is bound',
        `${seconds(limits.negotiationTimeout)}, ${seconds(limits.registrationTimeout)} for whoever registers`,
      ],
      [
        'bytes before authentication',
        `${kib(limits.negotiationBytes)}, of each element ${count(limits.negotiationStanzaBytes)}`,
      ],
      ['failed authentications of a connection', `${limits.authenticationTries}`],
      ['bytes of a stanza', kib(limits.stanzaBytes)],
      ['elements of a stanza', count(limits.stanzaElements)],
      [
        'bytes per second of a connection',
        `\`standalone.rate_limit\`, after ${limits.burstSeconds} seconds' worth at once`,
      ],
      ['stanzas of a client at work', `1; with stream management ${inFlight} messages`],
      [
        'stanzas that came together and are worked on together',
        `${limits.turn} milliseconds, ${kib(limits.turnBytes)}`,
      ],
      ['bytes waiting for a client that reads too slowly', `${limits.waitingBytes / 1024 ** 2} MiB`],
      [
        "frames of a WebSocket's message, and pieces in which a frame comes",
        count(standalone('c2s/websocket-upgrade.ts', 'maxPieces')),
      ],
      [
        "bytes waiting to be written before a WebSocket's ping is answered",
        kib(standalone('c2s/websocket-transport.ts', 'maxUnsentPongs')),
      ],
      [
        'stanzas for a session that is just being bound',
        count(standalone('c2s/client-stream.ts', 'maxEarly')),
      ],
      ['time of a client to close its connection', seconds(limits.closeTimeout)],
      [
        'bytes that a client still sends after the end of its stream',
        `${limits.ignoredBytes / 1024 ** 2} MiB`,
      ],
      ['sessions of an account', '`standalone.max_sessions_per_account`'],
      ['time of a session without connection', '`smacks.hibernation_time`'],
      ['stanzas kept for a session without connection', '`smacks.max_queue_size`'],
      [
        'stanzas on their way to a client that has not acknowledged them',
        `${managed('liveFactor')} times that`,
      ],
      ['bytes of these stanzas', mib(managed('maxKeptBytes'))],
      ["wait for a client's acknowledgement", '`smacks.max_ack_delay`'],
      [
        'ended sessions of which is known what was handled',
        count(standalone('stream-management/stream-management.ts', 'maxEnded')),
      ],
      ['stanzas held back for an inactive client', `${heldBackLimits.stanzas}, ${kib(heldBackLimits.bytes)}`],
      [
        'messages of an account to which errors are copied as carbons',
        `the last ${standalone('carbons/copied-lately.ts', 'maxMessages')}`,
      ],
      [
        'messages in a page of an archive',
        `\`archive.max_query_results\`, about ${mib(standalone('archive/page.ts', 'pageCharacters'))}`,
      ],
      ['messages of an archive that are named in a query', '`archive.max_query_results`'],
      ['bytes of a `queryid`', count(standalone('archive/query.ts', 'maxQueryIdBytes'))],
      ['age of archived messages', '`archive.expires_after`'],
      [
        "addresses in an account's archive preferences",
        `${count(accountLimits.archiveJids)}, of ${kib(accountLimits.archiveJidBytes)} in all`,
      ],
      ['accounts without sessions in memory', core('idleAccounts')],
      ['addresses remembered as they were written', core('addresses')],
      ['work waiting for one account', core('waitingPerAccount')],
      [
        'handlers of IQs under way, of each domain and of the accounts',
        `${core('handlersUnderWay')}, of one session ${core('handlersPerAsker')}`,
      ],
      ['open IQs of the server, of each domain', core('openRequests')],
      ['bytes of a presence stanza', kib(accountLimits.presenceBytes)],
      [
        "addresses of a session's directed presence",
        count(standalone('presence/availability.ts', 'maxDirected')),
      ],
      ['contacts of an account', count(accountLimits.contacts)],
      [
        'bytes of all addresses, names and groups of a roster',
        `${accountLimits.rosterBytes / 1024 ** 2} MiB`,
      ],
      ["subscription requests waiting for an account's answer", count(requests)],
      ['bytes of a subscription request that is kept', count(requestBytes)],
      ['groups of a contact', `${accountLimits.groupsPerContact}`],
      ['bytes of the name of a contact or a group', count(accountLimits.nameBytes)],
      ['blocked addresses of an account', count(accountLimits.blocked)],
      ['offline messages of an account', '`standalone.max_offline_messages`'],
      ['bytes of an offline message', kib(accountLimits.offlineMessageBytes)],
      [
        'offline messages that a client is sent at once',
        `${offline('pageSize')}, about ${kib(offline('pageBytes'))}`,
      ],
      ['private documents of an account', `${accountLimits.privateDocuments}`],
      ['bytes of a vCard or private document', kib(accountLimits.documentBytes)],
      [
        `registrations by strangers, of one address in ${open('windowSeconds') / 3600} hour`,
        `${open('each')}, of all ${count(open('inAll'))}`,
      ],
      [
        `password changes of an account in ${changes('windowSeconds') / 60} minutes`,
        `${changes('each')}, of all ${count(changes('inAll'))}`,
      ],
      ['commands on the control socket', `${control('maxConnections')} at once`],
      [
        'a command on the control socket',
        `${kib(maxLineBytes)}, complete within ${seconds(control('requestTimeout'))}`,
      ],
      ['an answer on the control socket', `${seconds(control('answerTimeout'))} without a step`],
      [
        "last answers of the domains' handlers, and then the end of all sessions, when Belfry stops",
        `${seconds(limits.stopTimeout)} each`,
      ],
    ]);
    expect(standalone('core.ts', 'stopWithin')).toBe(limits.stopTimeout);
    expect(standalone('archive/sweep.ts', 'interval')).toBe(60 * 60 * 1000);
  });

  it('has each bound of other servers and components as the code has it', () => {
    const rows = tableRows(section(doc('architecture.md'), 'Bounds of other servers and components'));
    const { streams, outbound, verifier, connect } = defaultFederationLimits;
    const resolver = (name: string) => standalone('s2s/resolver.ts', name);
    const dial = (name: string) => standalone('s2s/dial.ts', name);
    const limits = defaultComponentLimits;
    expect(rows.map(([what, bound]) => [what, bound])).toEqual([
      ['connections of servers from one address', '`standalone.max_connections_per_address`'],
      ['connections of servers that have not authenticated', count(streams.unauthenticatedConnections)],
      ['time until a server has authenticated', seconds(streams.negotiationTimeout)],
      [
        'bytes before that',
        `${kib(streams.negotiationBytes)}, of each element ${count(streams.negotiationStanzaBytes)}`,
      ],
      ["failed authentications of a server's connection", `${streams.authenticationTries}`],
      ['certificates of a server in its chain', `${standalone('s2s/peer-certificate.ts', 'maxChain')}`],
      [
        'pairs of domains on one stream',
        `${streams.pairs}, of which ${streams.verifyingPairs} are being verified`,
      ],
      ['keys that are being verified for one address', `${streams.verifyingPerAddress}`],
      ['time for dialback', seconds(streams.dialbackTimeout)],
      ["bytes of a server's stanza", mib(streams.stanzaBytes)],
      ["elements of a server's stanza", count(streams.stanzaElements)],
      ['stanzas of a server at work', `${streams.inFlight}`],
      [
        'stanzas of a server that came together and are worked on together',
        `${streams.turn} milliseconds, ${kib(streams.turnBytes)}`,
      ],
      ['bytes waiting for a server that reads too slowly', mib(streams.waitingBytes)],
      ['time without a stanza', `${streams.idleTimeout / 60_000} minutes`],
      ['time to connect to a server, all its addresses included', seconds(connect)],
      [
        'places that DNS names for a server, and addresses of them',
        `${resolver('services')}, ${resolver('endpoints')}`,
      ],
      [
        'time to connect to one address',
        `${seconds(dial('attempt'))}, and after ${dial('patience') / 1000} the next one is tried beside it`,
      ],
      ['stanzas waiting for a connection to a server', `${count(outbound.stanzas)}, ${mib(outbound.bytes)}`],
      ['pairs of domains with a connection or a queue', count(outbound.pairs)],
      [
        'rest after a failure',
        `${seconds(outbound.firstRest)}, doubled up to ${outbound.longestRest / 1000}`,
      ],
      ['servers asked about keys at once, questions to each', `${verifier.servers}, ${verifier.waiting}`],
      ['questions about keys on one stream', `${streams.openVerifications}`],
      [
        'domains whose DNS is remembered',
        `${count(resolver('domains'))}, for ${seconds(resolver('rememberFor'))}`,
      ],
      ['connections of components without handshake', count(limits.unauthenticatedConnections)],
      ["time until a component's handshake", seconds(limits.negotiationTimeout)],
      ['bytes before the handshake', count(limits.handshakeBytes)],
      ["bytes of a component's stanza", mib(limits.stanzaBytes)],
      ["elements of a component's stanza", count(limits.stanzaElements)],
      ['stanzas of a component at work', `${limits.inFlight}`],
      ['bytes waiting for a component that reads too slowly', mib(limits.waitingBytes)],
      [
        'time of a server to close its connection, and of a component',
        `${seconds(streams.closeTimeout)}, ${seconds(limits.closeTimeout)}`,
      ],
      ['bytes that they still send after the end of their stream', mib(streams.ignoredBytes)],
      ['time for what waits for servers when Belfry stops', seconds(outbound.drain)],
      ['end of all their streams after that', seconds(streams.stopTimeout)],
    ]);
    expect(limits.ignoredBytes).toBe(streams.ignoredBytes);
    expect(limits.stopTimeout).toBe(streams.stopTimeout);
  });
});
