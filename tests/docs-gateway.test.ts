import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config/load.js';
import { parseOutgoingUrl } from '../src/net/outgoing-url.js';
import { changeLimit } from '../src/services/change-limit.js';
import { answers, answerTo } from '../src/services/gateway/publish/answers.js';
import { mostFailures } from '../src/services/gateway/publish/fate.js';
import { summaryPayloads } from '../src/services/gateway/publish/payload.js';
import { readPublish } from '../src/services/gateway/publish/read-publish.js';
import { readPush2 } from '../src/services/gateway/publish/read-push2.js';
import { readRegistration } from '../src/services/gateway/registration/submitted.js';
import { maxPayloadBytes, portablePayloadBytes } from '../src/web-push/encrypt.js';
import { type DataForm, fieldValue, parseForm } from '../src/xmpp/data-form.js';
import type { Element } from '../src/xmpp/element.js';
import { ns } from '../src/xmpp/ns.js';
import { parseStored } from '../src/xmpp/stored-xml.js';
import { constant, count, doc, quoted, read, seconds, section, tableRows } from './harness/documents.js';

const page = doc('gateway.md');
const stanzas = [...page.matchAll(/```xml\n(.*?)```/gs)].map(([, text = '']) => parseStored(text.trim()));

/** The payload of the stanza with an id. */
function payloadOf(id: string): Element {
  const stanza = stanzas.find((one) => one.attr('id') === id && one.attr('type') !== 'result');
  const [payload] = stanza?.elements() ?? [];
  if (payload === undefined) throw new Error(`docs/gateway.md has no stanza ${id}`);
  return payload;
}

function formIn(id: string): DataForm {
  const x = payloadOf(id).child('x', ns.dataForms);
  const form = x && parseForm(x);
  if (form === undefined) throw new Error(`the stanza ${id} has no form`);
  return form;
}

describe('docs/gateway.md', () => {
  const source = read('src/observability/gateway-events.ts');
  const log = section(page, 'In the log');

  it('has each line of the log about the gateway', () => {
    const written = [...source.matchAll(/'(gateway [a-z ]+)'/g)].map(([, line]) => line);
    const lines = written.filter((line) => line !== 'gateway refused');
    expect(
      tableRows(log)
        .map(([line]) => quoted(line)[0])
        .toSorted(),
    ).toEqual(lines.toSorted());
  });

  it('names each outcome, and each reason for which a registration goes', () => {
    const [, outcomes = ''] = /type GatewayOutcome =(.*?);/s.exec(source) ?? [];
    const [, reasons = ''] = /why: ('client'[^;]*);/.exec(source) ?? [];
    const declared = [...`${outcomes} ${reasons}`.matchAll(/'([a-z ]+)'/g)].map(([, name]) => name);
    expect(declared.length).toBeGreaterThan(12);
    expect(declared.filter((name) => !quoted(log).includes(name ?? ''))).toEqual([]);
  });

  it('has each error that a publish may get', () => {
    const refusals = Object.values(answers).flatMap((answer) => ('error' in answer ? [answer.error] : []));
    const kinds = ['retry', 'rejected'] as const;
    const later = kinds.flatMap((kind) => answerTo({ kind, reason: '' }).error ?? []);
    // What the host itself answers when too many handlers are at work.
    const known = [...refusals, ...later].map(({ type, condition }) => `${type}/${condition}`);
    known.push('wait/resource-constraint');
    const rows = page.split('### What each answer means')[1]?.split('\nThe message of')[0] ?? '';
    const documented = tableRows(rows).flatMap(([answer]) => quoted(answer));
    expect(new Set(documented)).toEqual(new Set(known));
  });

  it('shows what a server publishes, and what a browser gets of it', () => {
    const { content, node, secret } = readPublish(payloadOf('p1'));
    if (content.kind !== 'summary') throw new Error('it is no summary');
    const { payload } = summaryPayloads('ana@example.org', content);
    const [, shown = ''] = /```json\n(.*?)```/s.exec(page) ?? [];
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual(JSON.parse(shown));
    expect(payloadOf('e1').attr('node')).toBe(node);
    expect(fieldValue(formIn('e1'), 'secret')).toBe(secret);
  });

  it('shows what is registered, unregistered, and told by Push 2.0', () => {
    const parseUrl = (text: string) => parseOutgoingUrl(text, { allowPrivateNetworks: false });
    const { device, onlyImportant, subscription } = readRegistration(formIn('r1'), parseUrl);
    expect({ device, onlyImportant }).toEqual({ device: 'web.8d21f0', onlyImportant: true });
    expect(formIn('u1').fields.map(({ values }) => values)).toEqual([[device]]);
    const { client, content } = readPush2(payloadOf('n1'));
    expect(client).toBe(subscription.endpoint);
    expect(content).toMatchObject({ kind: 'sealed', isImportant: true, isCall: false });
  });

  it('says how much there may be of what', () => {
    const { gateway } = loadConfig({ cwd: '/nonexistent', env: {} });
    const text = page.replaceAll(/\s+/g, ' ');
    const bytes = (file: string, name: string) => count(constant(`services/gateway/${file}`, name));
    for (const words of [
      `more than \`gateway.rate_limit\` (${gateway?.rateLimit}) publishes in a minute`,
      `more than \`gateway.max_devices\` (${gateway?.maxDevices})`,
      `does not answer within ${seconds(constant('services/gateway/publish/patience.ts', 'patience'))}`,
      `after ${mostFailures} in a row the registration goes`,
      `1 to ${bytes('registration/submitted.ts', 'maxDeviceBytes')} bytes`,
      `at most ${count(portablePayloadBytes)} bytes; what is encrypted already cannot be cut, and may have ${count(maxPayloadBytes)}`,
      `at most ${bytes('publish/read-sealed.ts', 'maxBytes')} bytes: sent as it is`,
      `\`web_push.ttl\`, ${constant('services/subscriptions/message-ttl.ts', 'callTtl')} for a \`call\``,
      `more than ${constant('services/subscriptions/door.ts', 'maxQuestions')} endpoints of the account at once, or ${changeLimit.each} in ${changeLimit.duration / 60_000} minutes`,
      `more than ${changeLimit.each} requests to unregister in ${changeLimit.duration / 60_000} minutes`,
    ]) {
      expect(text).toContain(words);
    }
  });
});
