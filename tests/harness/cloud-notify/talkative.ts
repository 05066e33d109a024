import { el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import type { Phone } from './phone.js';
import type { Scenario } from './scenario.js';
import { body, newText, type Stage } from './stage.js';
import { mark, type PushSettings } from './world.js';

/** App servers are told what messages say, and who has sent them. */
export const talkative: PushSettings = { withBody: true, withSender: true };
/** Important pushes are not to say so. */
export const taciturn: PushSettings = { importantBody: '' };

/** The summary of the push for a message that says this; what is in the message by name. */
async function summaryOf(
  stage: Stage,
  phone: Phone,
  text: string,
  ...more: Parameters<Stage['wake']>[1] & object
) {
  const { summary } = await stage.wake(phone, [body(text), ...more]);
  const names = new Map([
    [text, 'the text'],
    [stage.friend.jid.toString(), 'the sender'],
  ]);
  return Object.fromEntries(
    Object.entries(summary).map(([name, value]) => [name, names.get(value) ?? value]),
  );
}

export const talkativeScenarios: readonly Scenario[] = [
  {
    name: 'a message',
    expected: { 'message-count': '1', 'last-message-body': 'the text', 'last-message-sender': 'the sender' },
    run: async (stage) => summaryOf(stage, await stage.sleeper(), newText()),
  },
  {
    name: 'a long message',
    expected: 1024,
    prosody: {
      does: 3000,
      prosody: 'With `push_notification_with_body`, pushes have all of the text.',
      belfry: 'With `with_body`, its first 1,024 bytes.',
      why: 'Apple and Google take no more than 4 KiB for everything.',
    },
    async run(stage) {
      const phone = await stage.sleeper();
      const { summary } = await stage.wake(phone, [body(mark.repeat(500))]);
      return summary['last-message-body']?.length;
    },
  },
  {
    name: 'an encrypted message',
    expected: {
      'message-count': '1',
      'last-message-body': 'New Message!',
      'last-message-sender': 'the sender',
    },
    prosody: {
      does: { 'message-count': '1', 'last-message-body': 'the text', 'last-message-sender': 'the sender' },
      prosody:
        'With `push_notification_with_body`, pushes have the body of encrypted messages: a hint that they are encrypted.',
      belfry: '`important_body`.',
      why: 'The hint is not for the person who is notified.',
    },
    async run(stage) {
      const payload = el('payload', ns.omemo, {}, 'AAAA');
      return summaryOf(stage, await stage.sleeper(), newText(), el('encrypted', ns.omemo, {}, payload));
    },
  },
];

export const taciturnScenarios: readonly Scenario[] = [
  {
    name: 'a message',
    expected: { 'message-count': '1' },
    prosody: {
      does: { 'message-count': '1', 'last-message-body': '' },
      prosody: 'An empty `push_notification_important_body` is told as an empty body.',
      belfry: 'An empty `important_body` is left out.',
      why: 'It says nothing.',
    },
    run: async (stage) => summaryOf(stage, await stage.sleeper(), newText()),
  },
];
