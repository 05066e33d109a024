import { describe, expect, it } from 'vitest';
import { changeLimit } from '../src/services/change-limit.js';
import { mostFailures } from '../src/services/gateway/publish/fate.js';
import { mostUnderWay } from '../src/services/gateway/publish/under-way.js';
import { patience } from '../src/services/notify/delivery/error-policy.js';
import { places } from '../src/services/notify/delivery/lane.js';
import { retryDelay } from '../src/services/retry-delay.js';
import { maxPayloadBytes, portablePayloadBytes } from '../src/web-push/encrypt.js';
import { defaultSenderLimits } from '../src/web-push/sender/limits.js';
import { constant, count, doc, kib, read, seconds, section, tableRows } from './harness/documents.js';

describe('docs/architecture.md', () => {
  it('has each bound of notifications as the code has it', () => {
    const rows = tableRows(section(doc('architecture.md'), 'Bounds of notifications'));
    const notify = (file: string, name: string) => constant(`services/notify/${file}`, name);
    const channel = (file: string, name: string) => notify(`cloud-notify/${file}`, name);
    const usual = (file: string, option: string) => {
      const source = read(`src/services/notify/${file}`);
      const [, digits = ''] = new RegExp(`${option} \\?\\? ([\\d_]+)`).exec(source) ?? [];
      return count(Number(digits.replaceAll('_', '')));
    };
    const longest = retryDelay(100, undefined, 1);
    expect(notify('registrations/device-list.ts', 'charactersPerUnit')).toBe(1024);
    expect(rows.map(([what, bound]) => [what, bound])).toEqual([
      ['registrations of an account', '`cloud_notify.max_devices`'],
      ['bytes of the address of a push service and a node', count(channel('enable.ts', 'maxAddressBytes'))],
      [
        'bytes of publish options, of all that enables a device',
        `${kib(channel('details.ts', 'maxOptionsBytes'))}, ${kib(channel('details.ts', 'maxTextBytes'))}`,
      ],
      [
        "changes of an account's registrations that wait",
        count(notify('registrations/registrations.ts', 'maxWaiting')),
      ],
      [
        `registrations that an account enables anew or otherwise in ${changeLimit.duration / 60_000} minutes`,
        `${changeLimit.each}`,
      ],
      [
        'accounts whose registrations are in memory',
        `${usual('registrations/registrations.ts', 'maxAccounts')}, each KiB of them counts as one more, a tag as ${notify('registrations/device-list.ts', 'charactersPerTag')} bytes more`,
      ],
      ['time in which news are collected', '`cloud_notify.collection_time`'],
      ['registrations with news', usual('delivery/batching.ts', 'maxLanes')],
      ['notifications to a registration that are under way', count(places)],
      ['registrations whose messages are counted', count(notify('delivery/batching.ts', 'maxCounts'))],
      [
        'bytes of a text in a notification, of encrypted content',
        `${count(channel('summary.ts', 'maxBodyBytes'))}, ${count(channel('extensions.ts', 'largestSize'))}`,
      ],
      ['wait for the answer of a push service', seconds(channel('publish.ts', 'timeout'))],
      [
        'wait before it is tried again',
        `${seconds(retryDelay(0, undefined, 1))}, doubled up to ${longest / 1000}`,
      ],
      [
        'time in which it is tried again',
        `${patience.other / 60_000} minutes, ${seconds(patience.call)} for a call`,
      ],
      ['refusals in a row', '`cloud_notify.max_errors`'],
      [
        'time of a session without connection whose device was not told',
        '`cloud_notify.max_hibernation_timeout`',
      ],
      ['notifications when Belfry stops', seconds(notify('delivery/batching.ts', 'lastPatience'))],
    ]);
  });

  it('has each bound of Web Push as the code has it', () => {
    const rows = tableRows(section(doc('architecture.md'), 'Bounds of Web Push'));
    const guard = (name: string) => constant('net/guard.ts', name);
    const library = (file: string, name: string) => count(constant(`web-push/${file}`, name));
    const engine = (file: string, name: string) => count(constant(`services/notify/${file}`, name));
    const queue = (file: string, name: string) => constant(`services/web-push/${file}`, name);
    const flood = (name: string) => constant('web-push/sender/http2-channel.ts', name);
    const limits = defaultSenderLimits;
    expect(rows.map(([what, bound]) => [what, bound])).toEqual([
      ['browsers of an account', '`web_push.max_devices`'],
      ['bytes of an endpoint', count(constant('net/outgoing-url.ts', 'maxBytes'))],
      [
        'endpoints of an account whose hosts DNS is asked for',
        `${constant('services/subscriptions/door.ts', 'maxQuestions')} at once, ${changeLimit.each} in ${changeLimit.duration / 60_000} minutes`,
      ],
      [
        'endpoints in all whose hosts DNS is asked for',
        `${constant('services/subscriptions/door.ts', 'maxQuestionsInAll')} at once`,
      ],
      ['time of one DNS server for a name', `${seconds(guard('dnsTimeout'))}, ${guard('dnsTries')} times`],
      ['addresses of a name', `${guard('maxAddresses')}`],
      ['conversations of a browser with news', engine('delivery/waiting.ts', 'maxNotices')],
      ['conversations of a browser whose messages are counted', engine('delivery/absences.ts', 'maxTopics')],
      ['bytes of a payload', count(portablePayloadBytes)],
      ['messages that wait for another thread to agree on their keys', library('sealer.ts', 'maxWaiting')],
      ['signed tokens in memory', library('vapid.ts', 'maxTokens')],
      ['push services with connections', count(limits.origins)],
      ['connections to a push service', `1 of HTTP/2, or ${limits.connections} of HTTP/1.1`],
      ['requests at once on a connection of HTTP/2', `${limits.streams}, or what the push service allows`],
      ['requests that wait for a push service', count(limits.waiting)],
      [
        'time to connect to a push service, for a request in all',
        `${seconds(limits.connectTime)}, ${seconds(limits.answerTime)}`,
      ],
      ['time of a connection without a request', seconds(limits.idleTime)],
      [
        "bytes of an answer's header, of its body",
        `${kib(constant('web-push/sender/origin.ts', 'maxHeaderBytes'))}, ${kib(constant('web-push/sender/delivery.ts', 'maxBody'))}`,
      ],
      ['interim answers (1xx) to a request', library('sender/delivery.ts', 'maxInterim')],
      [
        'bytes that come on a connection of HTTP/2',
        `${kib(flood('inAll'))}, and ${kib(flood('each'))} for each request`,
      ],
      [
        'messages of one conversation that are being sent to a browser',
        count(queue('service.ts', 'mostOfTopic')),
      ],
      ['messages that wait on disk for one browser', count(queue('direct.ts', 'mostOfEndpoint'))],
      ['messages that wait on disk in all', '`web_push.max_waiting`'],
      [
        'messages from disk that are under way',
        `${count(queue('queue.ts', 'mostClaimed'))}, to one push service ${queue('ways.ts', 'mostSent')}, and ${queue('ways.ts', 'mostWaiting')} that come next`,
      ],
      [
        'wait before a message from disk is tried again',
        `${seconds(retryDelay(0, undefined, 1))}, doubled up to ${retryDelay(100, undefined, 1) / 1000}`,
      ],
      ['wait that a push service may ask for', `${retryDelay(0, 1e9, 0) / 3_600_000} hour`],
      [
        'browsers that are known to wait, push services that are left alone',
        `${count(queue('attempts.ts', 'mostEndpoints'))}, ${count(queue('origins.ts', 'most'))}`,
      ],
      ['time for which a process has a message from disk to itself', seconds(queue('queue.ts', 'leaseTime'))],
      ['requests when Belfry stops', seconds(queue('service.ts', 'patience'))],
    ]);
  });

  it('has each bound of the gateway as the code has it', () => {
    const rows = tableRows(section(doc('architecture.md'), 'Bounds of the gateway'));
    const gateway = (file: string, name: string) => count(constant(`services/gateway/${file}`, name));
    expect(rows.map(([what, bound]) => [what, bound])).toEqual([
      ['registrations of an account', '`gateway.max_devices`'],
      ['bytes of the name of a device', gateway('registration/submitted.ts', 'maxDeviceBytes')],
      [
        "bytes of the name of a command's session",
        count(constant('services/ad-hoc/command-request.ts', 'maxSessionBytes')),
      ],
      [
        'requests of an account to unregister',
        `${changeLimit.each} in ${changeLimit.duration / 60_000} minutes`,
      ],
      ['publishes per minute and registration', '`gateway.rate_limit`'],
      ['registrations whose rate is counted', gateway('publish/rate.ts', 'maxWindows')],
      [
        'publishes that wait for push services, of one registration',
        `${count(mostUnderWay.inAll)}, ${mostUnderWay.each}`,
      ],
      [
        'time of a publish until its answer',
        seconds(constant('services/gateway/publish/patience.ts', 'patience')),
      ],
      [
        'accounts of the sending server in one browser, of a message of Push 2.0',
        gateway('publish/publishes.ts', 'mostOfEndpoint'),
      ],
      [
        'bytes of a payload, of one with encrypted content, of one that is encrypted already',
        `${count(portablePayloadBytes)}, ${count(maxPayloadBytes)}, ${gateway('publish/read-sealed.ts', 'maxBytes')}`,
      ],
      ['refusals of a push service in a row', `${mostFailures}`],
    ]);
    expect(constant('services/gateway/publish/rate.ts', 'duration')).toBe(60_000);
  });
});
