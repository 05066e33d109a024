import { type Element, el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { StanzaError } from '../../../src/xmpp/stanza-error.js';
import type { Phone } from './phone.js';
import type { Scenario } from './scenario.js';
import { body, type Stage } from './stage.js';

const enable = (attrs: Readonly<Record<string, string | undefined>>, ...children: readonly Element[]) =>
  el('enable', ns.push, attrs, ...children);

const field = (name: string, ...values: readonly string[]) =>
  el('field', ns.dataForms, { var: name }, ...values.map((value) => el('value', ns.dataForms, {}, value)));
const form = (type: string, ...fields: readonly Element[]) => el('x', ns.dataForms, { type }, ...fields);
const options = (secret: string) =>
  form('submit', field('FORM_TYPE', ns.publishOptions), field('secret', secret));

/** What a form for the app server may have in it. */
const strangeForm = el(
  'x',
  ns.dataForms,
  { type: 'submit' },
  el(
    'field',
    ns.dataForms,
    { var: 'FORM_TYPE', type: 'hidden' },
    el('value', ns.dataForms, {}, ns.publishOptions),
  ),
  field('secret', ' <&>"\' ü 鐘 '),
  field('pushModule', 'production', 'second value'),
  field('without-value'),
  el('field', ns.dataForms, { var: 'typed', type: 'boolean' }, el('value', ns.dataForms, {}, '1')),
  el('extra', 'urn:example:extra', { attr: 'value' }, 'text'),
);

/** The answer to a request, in two words. */
async function answer(
  phone: Phone,
  request: Element,
  to?: string,
  type: 'get' | 'set' = 'set',
): Promise<string> {
  const stanza = await phone.request(type, request, to);
  if (stanza.attr('type') === 'result') return 'result';
  const error = StanzaError.fromStanza(stanza);
  return `${error.type} ${error.condition}`;
}

/** Asks for that of an account of its own. */
const asked = (request: (stage: Stage, phone: Phone) => Element) => async (stage: Stage) => {
  const phone = await stage.device();
  return answer(phone, request(stage, phone));
};

export const registrationScenarios: readonly Scenario[] = [
  {
    name: 'accounts say that they take registrations',
    expected: true,
    async run(stage) {
      const phone = await stage.device();
      const info = await phone.ask('get', el('query', ns.discoInfo), phone.bare);
      const features = info.child('query', ns.discoInfo)?.elements() ?? [];
      return features.some((feature) => feature.attr('var') === ns.push);
    },
  },
  {
    name: 'the request may name the own account',
    expected: 'result',
    async run(stage) {
      const phone = await stage.device();
      return answer(phone, enable({ jid: stage.world.appServer.jid, node: 'unused' }), phone.bare);
    },
  },
  {
    name: 'a request to the domain',
    expected: 'result',
    prosody: {
      does: 'cancel service-unavailable',
      prosody: 'Refuses a request to enable or disable that is sent to the domain (`service-unavailable`).',
      belfry: 'Takes it as meant for the sender’s account.',
      why: 'Some clients do it; what they mean is clear.',
    },
    async run(stage) {
      const phone = await stage.device();
      const request = enable({ jid: stage.world.appServer.jid, node: 'unused' });
      return answer(phone, request, stage.world.domain);
    },
  },
  {
    name: 'a request for the account of somebody else',
    expected: 'cancel service-unavailable',
    async run(stage) {
      const phone = await stage.device();
      const request = enable({ jid: stage.world.appServer.jid, node: 'unused' });
      return answer(phone, request, stage.friend.jid.bare().toString());
    },
  },
  {
    name: 'enabling without jid',
    expected: 'modify bad-request',
    run: asked(() => enable({ node: 'unused' })),
  },
  {
    name: 'enabling with the own full JID',
    expected: 'modify bad-request',
    run: asked((_, phone) => enable({ jid: phone.jid, node: 'unused' })),
  },
  {
    name: 'enabling with the own bare JID',
    expected: 'modify bad-request',
    prosody: {
      does: 'result',
      prosody: 'Takes the account itself, and what is no JID at all, as app server.',
      belfry: 'Refuses them: `bad-request`, `jid-malformed`.',
      why: 'Nothing could ever be pushed there.',
    },
    run: asked((_, phone) => enable({ jid: phone.bare, node: 'unused' })),
  },
  {
    name: 'enabling with a jid that is none',
    expected: 'modify jid-malformed',
    prosody: {
      does: 'result',
      prosody: 'Takes the account itself, and what is no JID at all, as app server.',
      belfry: 'Refuses them: `bad-request`, `jid-malformed`.',
      why: 'Nothing could ever be pushed there.',
    },
    run: asked(() => enable({ jid: '@', node: 'unused' })),
  },
  {
    name: 'enabling without node',
    expected: ['result', ['important']],
    async run(stage) {
      const phone = await stage.device();
      const result = await answer(phone, enable({ jid: stage.world.appServer.jid }));
      await stage.leave(phone);
      stage.write(phone.bare);
      return [result, await stage.heardBy(phone)];
    },
  },
  {
    name: 'enabling with a form of another type',
    expected: 'result',
    run: asked(({ world }) =>
      enable(
        { jid: world.appServer.jid, node: 'unused' },
        form('result', field('FORM_TYPE', 'urn:example:other')),
      ),
    ),
  },
  {
    name: 'a request of type get',
    expected: 'cancel not-allowed',
    prosody: {
      does: 'cancel service-unavailable',
      prosody: 'Answers requests of type `get` with `service-unavailable`.',
      belfry: '`not-allowed`.',
      why: 'The client is told what is wrong with its request, and that the feature is there.',
    },
    async run(stage) {
      const phone = await stage.device();
      return answer(phone, enable({ jid: stage.world.appServer.jid, node: 'unused' }), undefined, 'get');
    },
  },
  {
    name: 'disabling without jid',
    expected: 'modify bad-request',
    run: asked(() => el('disable', ns.push)),
  },
  {
    name: 'disabling what is not enabled',
    expected: 'result',
    run: asked(({ world }) => el('disable', ns.push, { jid: world.appServer.jid, node: 'unused' })),
  },
  {
    name: 'disabling one node of two',
    expected: [[], ['important']],
    async run(stage) {
      const one = await stage.phone();
      const other = await stage.phone(one.bare);
      await one.disable(stage.world.appServer.jid, one.node);
      await stage.leave(one, other);
      stage.write(one.bare);
      return stage.heard(one, other);
    },
  },
  {
    name: 'disabling all nodes of an app server',
    expected: [[], []],
    async run(stage) {
      const one = await stage.phone();
      const other = await stage.phone(one.bare);
      await one.disable(stage.world.appServer.jid);
      await stage.leave(one, other);
      stage.write(one.bare);
      return stage.heard(one, other);
    },
  },
  {
    name: 'options are given back as they are',
    expected: strangeForm,
    async run(stage) {
      const phone = await stage.phone(undefined, strangeForm);
      await stage.leave(phone);
      return (await stage.wake(phone)).options;
    },
  },
  {
    name: 'without options there are none',
    expected: undefined,
    async run(stage) {
      const phone = await stage.sleeper();
      return (await stage.wake(phone)).stanza.child('pubsub', ns.pubsub)?.child('publish-options');
    },
  },
  {
    name: 'the options that were given last count',
    expected: [options('second')],
    async run(stage) {
      const phone = await stage.phone(undefined, options('first'));
      await phone.enable(stage.world.appServer.jid, phone.node, options('second'));
      await stage.sleep(phone);
      stage.write(phone.bare);
      await stage.heard();
      return stage.publishes(phone).map((publish) => publish.options);
    },
  },
  {
    name: 'a client that has got a new token',
    expected: [[], ['important']],
    prosody: {
      does: [['important'], ['important']],
      prosody: 'A client that enables a new node keeps its old one.',
      belfry: 'The new node takes the place of the old one of the same client (resource).',
      why: 'The old token belongs to the same device, or to nobody: each push to it is one too many.',
    },
    async run(stage) {
      const phone = await stage.phone();
      const { node } = phone;
      await stage.enable(phone);
      await stage.leave(phone);
      stage.write(phone.bare);
      const levels = await stage.heardBy(phone);
      return [stage.levels(node), levels];
    },
  },
  {
    name: 'of more than five devices the oldest goes',
    expected: [[], ...Array.from({ length: 5 }, () => ['important'])],
    async run(stage) {
      const bare = stage.account();
      const phones: Phone[] = [];
      for (let count = 0; count < 6; count++) phones.push(await stage.phone(bare));
      await stage.leave(...phones);
      stage.write(bare);
      return stage.heard(...phones);
    },
  },
  {
    name: 'a device that was enabled again today, when there are too many',
    expected: [[], ['important']],
    prosody: {
      does: [['important'], []],
      prosody: 'Of too many devices, the one goes that was enabled longest ago.',
      belfry: 'The same, but that a device is enabled again without any change counts once a day.',
      why: 'Clients enable at each login. What changes nothing costs no write to the disk.',
    },
    async run(stage) {
      const bare = stage.account();
      const phones: Phone[] = [];
      for (let count = 0; count < 5; count++) phones.push(await stage.phone(bare));
      const [first, second] = phones;
      if (first === undefined || second === undefined) throw new Error('unreachable');
      await first.enable(stage.world.appServer.jid, first.node);
      const sixth = await stage.phone(bare);
      await stage.leave(...phones, sixth);
      stage.write(bare, [body()]);
      return stage.heard(first, second);
    },
  },
];
