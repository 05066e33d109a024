import { describe, expect, it } from 'vitest';
import { createEvents, type Events } from './events.js';
import { createLogger, type Logger } from './logger.js';
import { createMetrics } from './metrics.js';

function setUp(level: 'debug' | 'info' = 'debug') {
  const lines: Record<string, unknown>[] = [];
  const output = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const metrics = createMetrics({ version: '1.2.3' });
  const events = createEvents({ logger: createLogger({ level, format: 'json', output }), metrics });
  return { events, lines, metrics };
}

const jid = 'ana@example.org';
const domain = 'push.example.org';
const browser = { origin: 'https://push.example.net', service: 'notify' };

const device = { jid, channel: 'cloud-notify', service: 'push.example.net' };

/** One of each event, the line that it writes (undefined: none) and the metric that it leaves. */
const cases: [(events: Events) => void, Record<string, unknown> | undefined, string | undefined][] = [
  [
    (e) => e.hostConnected({ domain }),
    { level: 'info', host: domain, msg: 'host connected' },
    `belfry_host_connected{host="${domain}"} 1`,
  ],
  [
    (e) => e.hostDisconnected({ domain, reason: 'ECONNREFUSED', remedy: 'start it' }),
    { level: 'warn', host: domain, reason: 'ECONNREFUSED', remedy: 'start it' },
    `belfry_host_disconnects_total{host="${domain}"} 1`,
  ],
  [
    (e) => e.iqAnswerIgnored({ domain, from: jid, reason: 'wrong-sender' }),
    { level: 'debug', from: jid, reason: 'wrong-sender' },
    'belfry_iq_answers_ignored_total{reason="wrong-sender"} 1',
  ],
  [
    (e) => e.stanzaDropped({ domain, reason: 'too deep', from: jid }),
    { level: 'warn', reason: 'too deep', from: jid },
    'belfry_stanzas_dropped_total 1',
  ],
  [
    (e) => e.stanzaMisrouted({ domain, to: 'other.example' }),
    { level: 'warn', to: 'other.example', remedy: expect.stringMatching(/global_routes: false/) },
    'belfry_stanzas_misrouted_total 1',
  ],
  [
    (e) => e.handlerFailed({ what: 'push', error: new Error('surprise') }),
    { level: 'error', what: 'push', err: expect.objectContaining({ message: 'surprise' }) },
    'belfry_handler_failures_total{what="push"} 1',
  ],
  [
    (e) => e.registered({ jid, backend: 'paseto', expiresAt: 1_800_000_000 }),
    { level: 'info', jid, backend: 'paseto', expires: '2027-01-15T08:00:00.000Z' },
    'belfry_registrations_total{result="ok"} 1',
  ],
  [
    (e) => e.registrationRefused({ jid, code: 'bad-hash' }),
    { level: 'info', jid, code: 'bad-hash' },
    'belfry_registrations_total{result="bad-hash"} 1',
  ],
  [
    (e) => e.pushAnswered({ code: 'delivered', jid, bytes: 300, seconds: 0.0421 }),
    { level: 'debug', code: 'delivered', jid, bytes: 300, ms: 42 },
    'belfry_pushes_total{code="delivered"} 1',
  ],
  [
    (e) => e.pushAnswered({ code: 'host-disconnected', jid, bytes: 1, seconds: 0 }),
    { level: 'warn', code: 'host-disconnected' },
    'belfry_pushes_total{code="host-disconnected"} 1',
  ],
  [
    (e) => e.registrationRevoked({ jid, backend: 'jwt', reason: 'item-not-found' }),
    { level: 'info', jid, backend: 'jwt', reason: 'item-not-found' },
    'belfry_revocations_total 1',
  ],
  [
    (e) => e.swept({ what: 'registrations', rows: 7 }),
    { level: 'debug', what: 'registrations', rows: 7 },
    'belfry_swept_rows_total{what="registrations"} 7',
  ],
  [
    (e) => e.storageFailed({ what: 'find', error: new Error('disk full') }),
    { level: 'error', what: 'find', err: expect.objectContaining({ message: 'disk full' }) },
    'belfry_storage_failures_total{what="find"} 1',
  ],
  [
    (e) => e.httpRefused({ code: 'body-too-large', client: '192.0.2.1' }),
    { level: 'debug', code: 'body-too-large', client: '192.0.2.1' },
    'belfry_http_refused_total{code="body-too-large"} 1',
  ],
  [
    (e) => e.listening({ what: 'c2s', address: '127.0.0.1:5222' }),
    { level: 'info', what: 'c2s', address: '127.0.0.1:5222' },
    'belfry_event_failures_total 0',
  ],
  [
    (e) => e.sessionStarted({ jid, transport: 'starttls' }),
    { level: 'debug', jid, transport: 'starttls' },
    'belfry_sessions{transport="starttls"} 1',
  ],
  [
    (e) => e.sessionEnded({ jid, transport: 'starttls', lost: 2 }),
    { level: 'debug', jid, lost: 2 },
    'belfry_sessions{transport="starttls"} -1',
  ],
  [
    (e) =>
      e.authenticationFailed({
        client: '192.0.2.1',
        mechanism: 'PLAIN',
        condition: 'not-authorized',
        text: 'Too short.',
        account: jid,
      }),
    {
      level: 'info',
      client: '192.0.2.1',
      mechanism: 'PLAIN',
      condition: 'not-authorized',
      text: 'Too short.',
      account: jid,
    },
    'belfry_authentication_failures_total{condition="not-authorized"} 1',
  ],
  [
    (e) => e.streamFailed({ client: '192.0.2.1', condition: 'not-well-formed', text: 'This is no XML.' }),
    { level: 'info', client: '192.0.2.1', condition: 'not-well-formed', text: 'This is no XML.' },
    'belfry_stream_errors_total{condition="not-well-formed"} 1',
  ],
  [
    (e) => e.connectionRefused({ client: '192.0.2.1', reason: 'too many from there' }),
    { level: 'warn', client: '192.0.2.1', reason: 'too many from there' },
    'belfry_connections_refused_total 1',
  ],
  [
    (e) => e.offlineMessage({ jid, result: 'full' }),
    { level: 'debug', jid, result: 'full' },
    'belfry_offline_messages_total{result="full"} 1',
  ],
  [
    (e) => e.sessionHibernated({ jid }),
    { level: 'debug', jid, msg: 'session hibernates' },
    'belfry_sessions_hibernating 1',
  ],
  [
    (e) => e.sessionResumed({ jid, transport: 'starttls', replayed: 3 }),
    { level: 'debug', jid, transport: 'starttls', replayed: 3 },
    'belfry_stanzas_replayed_total 3',
  ],
  [
    (e) => e.hibernationEnded({ jid, how: 'overflow', lost: 500 }),
    { level: 'debug', jid, how: 'overflow', unacknowledged: 500 },
    'belfry_hibernations_ended_total{how="overflow"} 1',
  ],
  [
    (e) => e.resumptionFailed({ jid, reason: 'item-not-found' }),
    { level: 'debug', jid, reason: 'item-not-found' },
    'belfry_resumptions_total{result="failed"} 1',
  ],
  [
    (e) => e.acknowledgementDelayed({ jid }),
    { level: 'debug', jid },
    'belfry_acknowledgements_delayed_total 1',
  ],
  [
    (e) => e.messageArchived({ direction: 'incoming' }),
    undefined,
    'belfry_messages_archived_total{direction="incoming"} 1',
  ],
  [
    (e) =>
      e.serverConnected({
        domain: 'example.net',
        direction: 'incoming',
        authentication: 'dialback',
        encrypted: true,
      }),
    {
      level: 'info',
      domain: 'example.net',
      direction: 'incoming',
      authentication: 'dialback',
      encrypted: true,
    },
    'belfry_server_connects_total{direction="incoming",authentication="dialback"} 1',
  ],
  [
    (e) => e.serverDisconnected({ domain: 'example.net', direction: 'outgoing', reason: 'lost' }),
    { level: 'info', domain: 'example.net', direction: 'outgoing', reason: 'lost' },
    'belfry_server_streams{direction="outgoing"} -1',
  ],
  [
    (e) => e.serverUnreachable({ domain: 'example.net', reason: 'ECONNREFUSED', remedy: 'wait' }),
    { level: 'warn', domain: 'example.net', reason: 'ECONNREFUSED', remedy: 'wait' },
    'belfry_servers_unreachable_total 1',
  ],
  [
    (e) => e.serverRefused({ client: '192.0.2.1', domain: 'example.net', reason: 'not-authorized' }),
    { level: 'info', client: '192.0.2.1', domain: 'example.net', reason: 'not-authorized' },
    'belfry_servers_refused_total 1',
  ],
  [
    (e) => e.componentAwaited({ domain }),
    { level: 'debug', component: domain },
    `belfry_component_attached{component="${domain}"} 0`,
  ],
  [
    (e) => e.componentAttached({ domain, client: '127.0.0.1' }),
    { level: 'info', component: domain, client: '127.0.0.1' },
    `belfry_component_attached{component="${domain}"} 1`,
  ],
  [
    (e) => e.componentDetached({ domain }),
    { level: 'info', component: domain },
    `belfry_component_attached{component="${domain}"} 0`,
  ],
  [
    (e) => e.componentRefused({ client: '127.0.0.1', domain, reason: 'not-authorized' }),
    { level: 'warn', client: '127.0.0.1', component: domain, reason: 'not-authorized' },
    'belfry_components_refused_total 1',
  ],
  [
    (e) => e.accountCreated({ jid, by: 'registration', client: '192.0.2.1' }),
    { level: 'info', jid, by: 'registration', client: '192.0.2.1' },
    'belfry_account_changes_total{change="created",by="registration"} 1',
  ],
  [
    (e) => e.accountRemoved({ jid, by: 'user' }),
    { level: 'info', jid, by: 'user' },
    'belfry_account_changes_total{change="removed",by="user"} 1',
  ],
  [
    (e) => e.passwordChanged({ jid, by: 'operator' }),
    { level: 'info', jid, by: 'operator' },
    'belfry_account_changes_total{change="password",by="operator"} 1',
  ],
  [
    (e) => e.certificateLoaded({ names: ['example.org'], until: new Date(1_900_000_000_000), problems: [] }),
    { level: 'info', names: ['example.org'], until: '2030-03-17T17:46:40.000Z' },
    'belfry_certificate_expiry_timestamp_seconds 1900000000',
  ],
  [
    (e) =>
      e.certificateLoaded({ names: [], until: new Date(1_900_000_000_000), problems: ['It ends soon.'] }),
    { level: 'warn', names: [], problems: ['It ends soon.'] },
    'belfry_certificate_expiry_timestamp_seconds 1900000000',
  ],
  [
    (e) => e.certificateRejected({ reason: 'the key is of another certificate' }),
    { level: 'error', reason: 'the key is of another certificate' },
    'belfry_event_failures_total 0',
  ],
  [
    (e) => e.deviceEnabled({ ...device, result: 'added' }),
    { level: 'info', ...device, result: 'added' },
    'belfry_devices_enabled_total{channel="cloud-notify",result="added"} 1',
  ],
  [
    (e) => e.deviceEnabled({ ...device, result: 'unchanged' }),
    { level: 'debug', ...device, result: 'unchanged' },
    'belfry_devices_enabled_total{channel="cloud-notify",result="unchanged"} 1',
  ],
  [
    (e) => e.deviceRefused({ jid, channel: 'cloud-notify', reason: 'no jid' }),
    { level: 'info', jid, channel: 'cloud-notify', reason: 'no jid' },
    'belfry_devices_refused_total{channel="cloud-notify"} 1',
  ],
  [
    (e) => e.deviceRemoved({ ...device, why: 'gone' }),
    { level: 'info', ...device, why: 'gone' },
    'belfry_devices_removed_total{channel="cloud-notify",why="gone"} 1',
  ],
  [
    (e) => e.deviceRests({ ...device, failures: 16, reason: 'forbidden' }),
    { level: 'warn', ...device, failures: 16, reason: 'forbidden' },
    'belfry_devices_rested_total{channel="cloud-notify"} 1',
  ],
  [
    (e) => e.deviceActiveAgain(device),
    { level: 'info', ...device },
    'belfry_devices_active_again_total{channel="cloud-notify"} 1',
  ],
  [
    (e) =>
      e.notificationDecided({ ...device, source: 'archive', told: 'no', why: 'the client is connected' }),
    { level: 'debug', ...device, source: 'archive', told: 'no', why: 'the client is connected' },
    'belfry_notifications_decided_total{source="archive",told="no"} 1',
  ],
  [
    (e) =>
      e.notificationSent({
        ...device,
        level: 'important',
        kind: 'message',
        outcome: 'delivered',
        seconds: 0.25,
      }),
    { level: 'debug', ...device, importance: 'important', kind: 'message', outcome: 'delivered', ms: 250 },
    'belfry_notifications_sent_total{channel="cloud-notify",level="important",outcome="delivered"} 1',
  ],
  [
    (e) =>
      e.notificationSent({
        ...device,
        level: 'unimportant',
        kind: 'own',
        outcome: 'rejected',
        reason: 'forbidden',
        seconds: 0,
      }),
    {
      level: 'info',
      ...device,
      importance: 'unimportant',
      outcome: 'rejected',
      reason: 'forbidden',
      msg: 'notification not taken',
    },
    'belfry_notifications_sent_total{channel="cloud-notify",level="unimportant",outcome="rejected"} 1',
  ],
  [
    (e) => e.notificationDropped({ jid, channel: 'cloud-notify', why: 'client is back' }),
    { level: 'debug', jid, channel: 'cloud-notify', why: 'client is back' },
    'belfry_notifications_dropped_total{channel="cloud-notify",why="client is back"} 1',
  ],
  [
    (e) =>
      e.notificationSent({
        ...device,
        level: 'important',
        kind: 'message',
        outcome: 'queued',
        reason: '503',
        seconds: 0,
      }),
    { level: 'debug', outcome: 'queued', reason: '503', msg: 'notification waits' },
    'belfry_notifications_sent_total{channel="cloud-notify",level="important",outcome="queued"} 1',
  ],
  [
    (e) => e.webPushSent({ ...browser, outcome: 'delivered', attempt: 1, seconds: 0.25 }),
    { level: 'debug', ...browser, outcome: 'delivered', attempt: 1, ms: 250, msg: 'web push sent' },
    'belfry_web_pushes_sent_total{service="notify",outcome="delivered"} 1',
  ],
  [
    (e) =>
      e.webPushSent({ ...browser, outcome: 'rejected', reason: '403 BadJwtToken', attempt: 2, seconds: 0 }),
    {
      level: 'info',
      ...browser,
      outcome: 'rejected',
      reason: '403 BadJwtToken',
      attempt: 2,
      msg: 'web push not taken',
    },
    'belfry_web_pushes_sent_total{service="notify",outcome="rejected"} 1',
  ],
  [
    (e) => e.webPushQueued({ ...browser, reason: '503' }),
    { level: 'debug', ...browser, reason: '503', msg: 'web push waits' },
    'belfry_web_pushes_queued_total{service="notify"} 1',
  ],
  [
    (e) => e.webPushDropped({ why: 'expired', count: 3 }),
    { level: 'info', why: 'expired', count: 3, msg: 'web push dropped' },
    'belfry_web_pushes_dropped_total{why="expired"} 3',
  ],
  [
    (e) => e.webPushDropped({ ...browser, why: 'superseded', count: 1 }),
    { level: 'debug', ...browser, why: 'superseded', count: 1 },
    'belfry_web_pushes_dropped_total{why="superseded"} 1',
  ],
  [
    (e) => e.webPushOriginHeld({ origin: browser.origin, seconds: 59.0594329, reason: '429' }),
    { level: 'warn', origin: browser.origin, seconds: 60, reason: '429' },
    'belfry_web_push_origins_held_total 1',
  ],
  [
    (e) => e.gatewayRegistered({ account: jid, origin: browser.origin }),
    { level: 'info', jid, origin: browser.origin, msg: 'gateway registered' },
    'belfry_gateway_registrations_total{result="ok"} 1',
  ],
  [
    (e) => e.gatewayRefused({ jid, reason: 'no endpoint' }),
    { level: 'info', jid, reason: 'no endpoint', msg: 'gateway registration refused' },
    'belfry_gateway_registrations_total{result="refused"} 1',
  ],
  [
    (e) => e.gatewayUnregistered({ account: jid, why: 'too many' }),
    { level: 'info', jid, why: 'too many', msg: 'gateway registration removed' },
    'belfry_gateway_removals_total{why="too many"} 1',
  ],
  [
    (e) => e.gatewayPublish({ from: 'example.org', outcome: 'delivered', seconds: 0.1 }),
    { level: 'debug', from: 'example.org', outcome: 'delivered', ms: 100, msg: 'gateway publish answered' },
    'belfry_gateway_publishes_total{outcome="delivered"} 1',
  ],
  [
    (e) => e.gatewayPublish({ from: 'example.net', outcome: 'forbidden', reason: 'acl', seconds: 0 }),
    { level: 'info', from: 'example.net', outcome: 'forbidden', reason: 'acl', ms: 0 },
    'belfry_gateway_publishes_total{outcome="forbidden"} 1',
  ],
];

describe('createEvents', () => {
  it.each(cases)('%s logs and counts', async (happen, line, metric) => {
    const { events, lines, metrics } = setUp();
    happen(events);
    expect(lines).toEqual(line === undefined ? [] : [expect.objectContaining(line)]);
    expect((await metrics.render()).split('\n')).toContain(metric);
  });

  it('has a case for every event', () => {
    const called = new Set<string>();
    const events = setUp().events;
    const spy = new Proxy(events, {
      get: (target, name) => {
        called.add(String(name));
        return Reflect.get(target, name);
      },
    });
    for (const [happen] of cases) happen(spy);
    expect([...called].sort()).toEqual(Object.keys(events).sort());
  });

  it('measures time and size of pushes', async () => {
    const { events, metrics } = setUp();
    events.pushAnswered({ code: 'delivered', jid, bytes: 300, seconds: 0.3 });
    const text = await metrics.render();
    expect(text).toContain('belfry_push_duration_seconds_bucket{le="0.25"} 0');
    expect(text).toContain('belfry_push_duration_seconds_bucket{le="0.5"} 1');
    expect(text).toContain('belfry_push_payload_bytes_sum 300');
  });

  it('counts as waiting whoever hibernated and neither came back nor ended', async () => {
    const { events, metrics } = setUp();
    for (let n = 0; n < 3; n++) events.sessionHibernated({ jid });
    events.sessionResumed({ jid, transport: 'starttls', replayed: 0 });
    events.hibernationEnded({ jid, how: 'expired', lost: 0 });
    expect(await metrics.render()).toContain('belfry_sessions_hibernating 1\n');
  });

  it('counts streams with other servers by direction', async () => {
    const { events, metrics } = setUp();
    const stream = { domain: 'example.net', direction: 'outgoing' } as const;
    const proof = { authentication: 'certificate', encrypted: true } as const;
    for (let n = 0; n < 2; n++) events.serverConnected({ ...stream, ...proof });
    events.serverDisconnected(stream);
    expect(await metrics.render()).toContain('belfry_server_streams{direction="outgoing"} 1\n');
  });

  it('turns the gauge of a host that went away to 0', async () => {
    const { events, metrics } = setUp();
    events.hostConnected({ domain });
    events.hostDisconnected({ domain, reason: 'closed' });
    expect(await metrics.render()).toContain(`belfry_host_connected{host="${domain}"} 0`);
  });

  it('writes nothing about delivered pushes unless asked to', () => {
    const { events, lines } = setUp('info');
    events.pushAnswered({ code: 'delivered', jid, bytes: 1, seconds: 0 });
    events.pushAnswered({ code: 'unknown-endpoint', bytes: 1, seconds: 0 });
    expect(lines).toEqual([]);
  });

  it('writes nothing about notifications that arrive unless asked to', () => {
    const { events, lines } = setUp('info');
    const sent = { ...device, level: 'important', kind: 'message', seconds: 0 } as const;
    events.notificationSent({ ...sent, outcome: 'delivered' });
    events.notificationDecided({ ...device, source: 'archive', told: 'important', why: 'nobody is there' });
    for (let n = 0; n < 100; n++) events.notificationSent({ ...sent, outcome: 'retry', reason: 'timeout' });
    expect(lines.map((line) => line['outcome'])).toEqual(['retry']);
  });

  it('writes nothing about publishes that go well unless asked to, and one line of a flood of others', () => {
    const { events, lines } = setUp('info');
    const publish = { from: 'example.org', seconds: 0 };
    for (const outcome of ['delivered', 'queued', 'coalesced', 'unwanted', 'gone'] as const)
      events.gatewayPublish({ ...publish, outcome });
    for (let n = 0; n < 100; n++) events.gatewayPublish({ ...publish, outcome: 'unknown' });
    expect(lines.map((line) => line['outcome'])).toEqual(['unknown']);
  });

  it('measures the time that push services take', async () => {
    const { events, metrics } = setUp();
    events.notificationSent({
      ...device,
      level: 'important',
      kind: 'call',
      outcome: 'delivered',
      seconds: 3,
    });
    expect(await metrics.render()).toContain('belfry_notification_duration_seconds_sum 3');
  });

  it('does not repeat the same trouble for every request', () => {
    const { events, lines } = setUp('info');
    for (let n = 0; n < 100; n++) {
      events.pushAnswered({ code: 'overloaded', bytes: 1, seconds: 0 });
      events.storageFailed({ what: 'find', error: new Error('away') });
      events.httpRefused({ code: 'overloaded' });
    }
    expect(lines.map((line) => line['msg'])).toEqual([
      'push answered',
      'storage failed',
      'http request refused',
    ]);
  });

  it('never throws, and counts that it could not', async () => {
    const broken = () => {
      throw new Error('disk full');
    };
    const logger: Logger = {
      debug: broken,
      info: broken,
      warn: broken,
      error: broken,
      isLevelEnabled: () => true,
      setLevel: broken,
    };
    const metrics = createMetrics({ version: '1.2.3' });
    const events = createEvents({ logger, metrics });
    for (const [happen] of cases) happen(events);
    events.pushAnswered({ code: 'delivered', bytes: Number.NaN, seconds: Number.NaN });
    expect(await metrics.render()).toMatch(/belfry_event_failures_total [1-9]/);
  });
});

describe('createMetrics', () => {
  it('says what runs, and how the process does', async () => {
    const text = await createMetrics({ version: '1.2.3' }).render();
    expect(text).toContain(`belfry_build_info{version="1.2.3",node="${process.version}"} 1`);
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  it('keeps two of them apart', async () => {
    const [one, two] = [createMetrics({ version: '1' }), createMetrics({ version: '2' })];
    one.revocations.inc();
    expect(await two.render()).toContain('belfry_revocations_total 0');
  });
});
