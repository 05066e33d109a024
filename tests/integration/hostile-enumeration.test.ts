import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ns } from '../../src/xmpp/ns.js';
import { iqNamed, type RawClient } from '../harness/c2s.js';
import { domain, opening, plain, useHostileServer } from '../harness/hostile.js';

const hostile = useHostileServer();

/** Accounts that a stranger asks for; of each pair the second does not exist. `ana` is there, and `mallory1` is not. */
const pairs: readonly (readonly [existing: string, missing: string])[] = [
  ['ana', 'eve'],
  ['mallory1', 'nobodyxx'],
];

const error = `<error type='cancel'><item-not-found xmlns='${ns.stanzaErrors}'/></error>`;
const messages = [undefined, 'chat', 'normal', 'headline', 'groupchat', 'error', 'nonsense'].flatMap((type) =>
  [
    '<body>Hi.</body>',
    '',
    `<active xmlns='${ns.chatStates}'/>`,
    `<body/><no-store xmlns='${ns.hints}'/>`,
  ].map((content) => ({ name: 'message', type, content: type === 'error' ? error : content })),
);
const payloads = [
  `<ping xmlns='${ns.ping}'/>`,
  `<query xmlns='${ns.discoInfo}'/>`,
  `<query xmlns='${ns.discoInfo}' node='x'/>`,
  `<query xmlns='${ns.discoItems}'/>`,
  `<query xmlns='${ns.version}'/>`,
  `<time xmlns='${ns.time}'/>`,
  `<vCard xmlns='${ns.vcardTemp}'/>`,
  `<query xmlns='${ns.roster}'/>`,
  `<query xmlns='${ns.roster}'><item jid='x@${domain}'/></query>`,
  `<query xmlns='${ns.privateXml}'><a xmlns='urn:a'/></query>`,
  `<blocklist xmlns='${ns.blocking}'/>`,
  `<block xmlns='${ns.blocking}'><item jid='x@${domain}'/></block>`,
  `<query xmlns='${ns.register}'/>`,
  `<query xmlns='${ns.register}'><remove/></query>`,
  `<session xmlns='${ns.session}'/>`,
  `<register xmlns='${ns.unifiedPush}' application='a' instance='b'/>`,
  "<query xmlns='jabber:iq:last'/>",
  "<unknown xmlns='urn:unknown'/>",
  '<a/><b/>',
  '',
];
const iqs = ['get', 'set', 'nonsense'].flatMap((type) =>
  payloads.map((content) => ({ name: 'iq', type, content })),
);
const answers = ['result', 'error'].map((type) => ({
  name: 'iq',
  type,
  content: type === 'error' ? error : '',
}));
const presences = [
  undefined,
  ...[
    'unavailable',
    'probe',
    'subscribe',
    'unsubscribe',
    'subscribed',
    'unsubscribed',
    'subscribe',
    'probe',
    'error',
  ],
  'nonsense',
].map((type) => ({ name: 'presence', type, content: '' }));

interface Question {
  readonly name: string;
  readonly type: string | undefined;
  readonly content: string;
}

describe.each(pairs)('to a stranger, %s looks as %s does', (existing, missing) => {
  let stranger: RawClient;
  beforeAll(async () => {
    stranger = await hostile.logIn('mallory2');
    await stranger.write(`<presence/>${iqNamed('there')}`).expect("id='there'");
    await stranger
      .write(`<iq type='get' id='roster'><query xmlns='${ns.roster}'/></iq>`)
      .expect("id='roster'");
  });
  afterAll(() => stranger?.socket.destroy());

  /** All that comes back, in order, with the name of who was asked taken out. */
  async function ask(who: string, resource: string, { name, type, content }: Question): Promise<string> {
    const typed = type === undefined ? '' : ` type='${type}'`;
    const question = `<${name}${typed} to='${who}@${domain}${resource}' id='q1'>${content}</${name}>`;
    const isRequest = name === 'iq' && type !== 'result' && type !== 'error';
    const heard = await stranger
      .write(question + iqNamed('end'))
      .expect(isRequest ? /id='(q1|end)'.*id='(q1|end)'/s : /id='end'[^>]*>/);
    const more = await stranger.write(iqNamed('later')).expect(/<iq[^>]*id='later'[^>]*>/);
    return (heard + more)
      .replaceAll(who, 'NAME')
      .replaceAll(/(?<= (?:id|ver)=')(?!q1')[^']*(?=')/g, 'RANDOM');
  }

  it.each([
    ['messages', messages],
    ['requests', iqs],
    ['answers', answers],
    ['presence', presences],
  ])('%s', async (_what, questions) => {
    for (const resource of ['', '/absent']) {
      for (const question of questions) {
        const label = `${question.name} ${question.type} ${resource} ${question.content}\n`;
        const missed = await ask(missing, resource, question);
        expect(label + (await ask(existing, resource, question))).toBe(label + missed);
      }
    }
    hostile.bystanders.ana.take();
  });

  it('logins with a wrong password', async () => {
    const attempt = async (name: string) => {
      const client = await hostile.open();
      await client.write(opening).expect('</stream:features>');
      const answer = await client.write(plain(name, 'wrong')).expect('</failure>');
      client.socket.destroy();
      return answer;
    };
    for (let time = 0; time < 11; time++) expect(await attempt(existing)).toBe(await attempt(missing));
  });

  it.each(['SCRAM-SHA-1', 'SCRAM-SHA-256'])('challenges of %s', async (mechanism) => {
    const attempt = async (name: string) => {
      const client = await hostile.open('127.0.0.9');
      await client.write(opening).expect('</stream:features>');
      const first = Buffer.from(`n,,n=${name},r=nonce`).toString('base64');
      const text = await client
        .write(`<auth xmlns='${ns.sasl}' mechanism='${mechanism}'>${first}</auth>`)
        .expect('</challenge>');
      const challenge = Buffer.from(/>([^<]*)</.exec(text)?.[1] ?? '', 'base64').toString();
      const final = Buffer.from(`c=biws,${/r=[^,]*/.exec(challenge)?.[0]},p=${'A'.repeat(27)}=`).toString(
        'base64',
      );
      const failure = await client
        .write(`<response xmlns='${ns.sasl}'>${final}</response>`)
        .expect('</failure>');
      client.socket.destroy();
      const [, nonce = '', salt = '', iterations] = /^r=([^,]*),s=([^,]*),i=(\d+)$/.exec(challenge) ?? [];
      return { salt, rest: [nonce.length, salt.length, iterations, failure] };
    };
    const [here, gone] = [await attempt(existing), await attempt(missing)];
    expect(here.rest).toEqual(gone.rest);
    // A salt that changed would be one that nothing was made with.
    expect((await attempt(existing)).salt).toBe(here.salt);
    expect((await attempt(missing)).salt).toBe(gone.salt);
    expect(here.salt).not.toBe(gone.salt);
  });
});
