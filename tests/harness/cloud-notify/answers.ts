import { StanzaError, type StanzaErrorType } from '../../../src/xmpp/stanza-error.js';
import type { Answer } from '../app-server.js';
import type { Phone } from './phone.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';
import { mark } from './world.js';

const refusal = (type: StanzaErrorType = 'cancel') => new StanzaError('item-not-found', '', type);
const busy = new StanzaError('resource-constraint', '', 'wait');

/** Wakes a phone once for each answer of the app server, which the server has worked on then. */
async function wakeAndAnswer(stage: Stage, phone: Phone, ...answers: readonly Answer[]): Promise<void> {
  stage.world.appServer.answerWith(phone.node, ...answers);
  for (const _ of answers) {
    await stage.wake(phone);
    await stage.settleAnswers();
  }
}

/** How often a phone was told, after one more message came for it. */
async function heardOneMore(stage: Stage, phone: Phone): Promise<number> {
  stage.write(phone.bare);
  return (await stage.heardBy(phone)).length;
}

const countedTypes: readonly StanzaErrorType[] = ['cancel', 'modify', 'auth'];

const triedAgain = {
  prosody:
    'A push that is not answered, or that is refused for now (`wait`), is lost; the device hears at the next message.',
  belfry:
    'It is tried again after 2 seconds and up to 5 minutes, with what has come meanwhile, for up to an hour.',
  why: 'Else nobody hears of the last message of an evening because of one restart of an app server.',
} as const;

export const answerScenarios: readonly Scenario[] = [
  {
    name: 'no answer',
    needs: 'patience',
    expected: 'told again',
    prosody: {
      does: 'told once',
      ...triedAgain,
    },
    async run(stage) {
      const phone = await stage.sleeper();
      stage.world.appServer.answerWith(phone.node, 'nothing');
      stage.write(phone.bare);
      await stage.world.appServer.next(phone.node, 0);
      const isToldAgain = stage.world.kind === 'belfry';
      if (isToldAgain) await stage.world.appServer.next(phone.node, 1);
      return (await stage.heardBy(phone)).length === 1 ? 'told once' : 'told again';
    },
  },
  ...countedTypes.map((type) => ({
    name: `three errors in a row, of type ${type}`,
    expected: 3,
    async run(stage: Stage) {
      const phone = await stage.sleeper();
      await wakeAndAnswer(stage, phone, refusal(type), refusal(type), refusal(type));
      return heardOneMore(stage, phone);
    },
  })),
  {
    name: 'enabling again after errors',
    expected: 4,
    async run(stage) {
      const phone = await stage.absentee();
      await wakeAndAnswer(stage, phone, refusal(), refusal(), refusal());
      const again = await stage.device(phone.bare);
      await again.enable(stage.world.appServer.jid, phone.node);
      await stage.leave(again);
      return heardOneMore(stage, again);
    },
  },
  {
    name: 'errors of type wait count for nothing',
    expected: 'important',
    async run(stage) {
      const phone = await stage.sleeper();
      await wakeAndAnswer(stage, phone, busy, busy, busy);
      return (await stage.wake(phone)).level;
    },
  },
  {
    name: 'an app server that is busy once',
    expected: 2,
    prosody: {
      does: 1,
      ...triedAgain,
    },
    async run(stage) {
      const phone = await stage.sleeper();
      await wakeAndAnswer(stage, phone, busy);
      await stage.hears(phone, 1);
      return (await stage.heardBy(phone)).length;
    },
  },
  {
    name: 'a client that is back before the app server takes it',
    expected: 'told no more',
    async run(stage) {
      const phone = await stage.sleeper();
      const { appServer } = stage.world;
      // As often as it may be asked until the client is back.
      appServer.answerWith(phone.node, ...Array.from({ length: 20 }, () => busy));
      await stage.wake(phone);
      await stage.settleAnswers();
      await phone.wakeUp();
      await phone.settle();
      await stage.settleAnswers();
      const told = stage.publishes(phone).length;
      return (await stage.hears(phone, told)) ? 'told again' : 'told no more';
    },
  },
  {
    name: 'a success between errors',
    expected: 6,
    async run(stage) {
      const phone = await stage.sleeper();
      await wakeAndAnswer(stage, phone, refusal(), refusal(), 'result', refusal(), refusal());
      return heardOneMore(stage, phone);
    },
  },
  {
    name: 'an answer that comes twice',
    expected: [2, ['important', 'important']],
    async run(stage) {
      const phone = await stage.sleeper();
      await wakeAndAnswer(stage, phone, 'twice');
      return [await heardOneMore(stage, phone), await stage.heardBy(phone)];
    },
  },
  {
    name: 'an answer that comes when another push has gone',
    expected: 3,
    async run(stage) {
      const phone = await stage.sleeper();
      const { appServer } = stage.world;
      appServer.answerWith(phone.node, 'nothing', refusal(), refusal());
      const first = await stage.wake(phone);
      await stage.wake(phone);
      await stage.wake(phone);
      appServer.answer(first, refusal());
      await stage.settleAnswers();
      return heardOneMore(stage, phone);
    },
  },
  {
    name: 'an answer of somebody else does not count',
    expected: 4,
    async run(stage) {
      const phone = await stage.sleeper();
      await wakeAndAnswer(stage, phone, refusal(), refusal(), 'forged');
      stage.world.appServer.answerWith(phone.node, refusal());
      await stage.wake(phone);
      await stage.settleAnswers();
      return heardOneMore(stage, phone);
    },
  },
  {
    name: 'the app server wants no more',
    expected: [[], ['important']],
    prosody: {
      does: [
        ['unimportant', 'important'],
        ['unimportant', 'important'],
      ],
      prosody:
        'Passes over the message by which an app server ends a registration (XEP-0357 §8), and pushes for it as for any other.',
      belfry: 'The registration goes, if the message is from the JID that was enabled.',
      why: 'The XEP has it.',
    },
    async run(stage) {
      const one = await stage.absentee();
      const other = await stage.absentee(one.bare);
      stage.world.appServer.disable(one.node, one.bare);
      await stage.settleAnswers();
      stage.write(one.bare);
      const [levels, others] = await stage.heard(one, other);
      return [levels, others];
    },
  },
  {
    name: 'somebody else says that the app server wants no more',
    expected: 'important',
    async run(stage) {
      const phone = await stage.absentee();
      const { appServer } = stage.world;
      appServer.disable(phone.node, phone.bare, `${mark}@${appServer.jid}`);
      await stage.settleAnswers();
      return (await stage.wake(phone)).level;
    },
  },
];
