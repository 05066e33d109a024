import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseStored } from '../../../xmpp/stored-xml.js';
import { readPublish } from './read-publish.js';

/** A publish in the words of a server; `jabber:client` is what stands around it after the host has read it. */
const read = (xml: string) => readPublish(parseStored(xml));

const secretForm = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>s-9f2e</value></field></x>`;
const formType = `<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>`;

describe('publishes of Prosody', () => {
  const summary = (more: string) =>
    `<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='form'>${formType}<field type='text-single' var='message-count'><value>1</value></field><field type='text-single' var='pending-subscription-count'/><field type='jid-single' var='last-message-sender'/>${more}</x></notification>`;
  const body = `<field type='text-single' var='last-message-body'><value>New Message!</value></field>`;

  it('are important with a body', () => {
    const publish = read(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n-4711'><item>${summary(body)}</item></publish><publish-options>${secretForm}</publish-options></pubsub>`,
    );
    expect(publish).toEqual({
      node: 'n-4711',
      secret: 's-9f2e',
      content: {
        kind: 'summary',
        isImportant: true,
        isCall: false,
        count: 1,
        requests: 0,
        sender: undefined,
        body: 'New Message!',
      },
    });
  });

  it('are unimportant with an empty field for it', () => {
    const { content } = read(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n-4711'><item>${summary("<field type='text-single' var='last-message-body'/>")}</item></publish><publish-options>${secretForm}</publish-options></pubsub>`,
    );
    expect(content).toMatchObject({ isImportant: false, count: 1, body: '' });
  });

  it('of old modules have the options in the item', () => {
    const { secret, content } = read(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n-4711'><item>${summary(body)}<publish-options>${secretForm}</publish-options></item></publish></pubsub>`,
    );
    expect(secret).toBe('s-9f2e');
    expect(content).toMatchObject({ body: 'New Message!' });
  });

  it('have a priority beside the summary by mod_cloud_notify_priority_tag', () => {
    const tagged = `<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='form'>${formType}</x><priority xmlns='tigase:push:priority:0'>high</priority></notification>`;
    const { content } = read(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item>${tagged}</item></publish></pubsub>`,
    );
    expect(content).toMatchObject({ isImportant: true, isCall: false, body: '' });
  });
});

describe('publishes of ejabberd', () => {
  const publish = (form: string) =>
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n-4711'><item><notification xmlns='urn:xmpp:push:0'>${form}</notification></item></publish><publish-options>${secretForm}</publish-options></pubsub>`;

  it('have a form of type submit, and no count', () => {
    const { content } = read(
      publish(
        `<x type='submit' xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:push:summary</value></field><field var='last-message-sender'><value>bob@example.net</value></field><field var='last-message-body'><value>New message</value></field></x>`,
      ),
    );
    expect(content).toMatchObject({ isImportant: true, count: 0, body: 'New message' });
    expect(content.kind === 'summary' && String(content.sender)).toBe('bob@example.net');
  });

  it('may have no summary at all', () => {
    expect(read(publish('')).content).toEqual({
      kind: 'summary',
      isImportant: false,
      isCall: false,
      count: 0,
      requests: 0,
      sender: undefined,
      body: '',
    });
  });
});

it('publishes of MongooseIM have real counts, and bare senders of rooms', () => {
  const { content } = read(
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='punsub_node_for_my_private_iphone'><item><notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:push:summary</value></field><field var='message-count'><value>17</value></field><field var='last-message-sender'><value>team@rooms.example.org/juliet</value></field><field var='last-message-body'><value>Wherefore art thou?</value></field></x></notification></item></publish><publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='service'><value>apns</value></field><field var='secret'><value>s-9f2e</value></field></x></publish-options></pubsub>`,
  );
  expect(content).toMatchObject({ count: 17, isImportant: true, body: 'Wherefore art thou?' });
});

it('publishes of Openfire have a form of type form, and an item with an id', () => {
  const { secret, content } = read(
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n-4711'><item id='i-1'><notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:push:summary</value></field><field var='message-count' type='text-single'><value>1</value></field><field var='last-message-body' type='text-single'><value>New Message</value></field></x></notification></item></publish><publish-options>${secretForm}</publish-options></pubsub>`,
  );
  expect(secret).toBe('s-9f2e');
  expect(content).toMatchObject({ count: 1, body: 'New Message', isImportant: true });
});

describe('publishes of Tigase', () => {
  const publish = (inner: string) =>
    read(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n-42'><item><notification xmlns='urn:xmpp:push:0'>${inner}</notification></item></publish><publish-options>${secretForm}</publish-options></pubsub>`,
    ).content;

  it('may be encrypted, without a form', () => {
    expect(
      publish(
        "<priority xmlns='tigase:push:priority:0'>high</priority><encrypted xmlns='tigase:push:encrypt:0' iv='AAAAAAAAAAAAAAAA' type='voip'>q83vASNFZ4mrze8BI0VniQ==</encrypted>",
      ),
    ).toEqual({
      kind: 'encrypted',
      iv: 'AAAAAAAAAAAAAAAA',
      data: 'q83vASNFZ4mrze8BI0VniQ==',
      type: 'voip',
      isCall: true,
      isImportant: true,
    });
  });

  it('are important if they are encrypted and do not say otherwise', () => {
    const encrypted = "<encrypted xmlns='tigase:push:encrypt:0' iv='AAAA'>q83v</encrypted>";
    const priority = (text: string) => `<priority xmlns='tigase:push:priority:0'>${text}</priority>`;
    expect(publish(encrypted)).toMatchObject({ isImportant: true, isCall: false, type: undefined });
    expect(publish(encrypted + priority('high'))).toMatchObject({ isImportant: true });
    expect(publish(encrypted + priority('low'))).toMatchObject({ isImportant: false });
  });

  it('may count offline messages and requests', () => {
    expect(
      publish(
        `<x xmlns='jabber:x:data'>${formType}<field var='message-count'><value>5</value></field><field var='pending-subscription-count'><value>2</value></field></x>`,
      ),
    ).toMatchObject({ count: 5, requests: 2, isImportant: false });
  });

  it('are important if there is nothing but requests', () => {
    const requests = "<field var='pending-subscription-count'><value>2</value></field>";
    const summary = (fields: string) =>
      publish(`<x xmlns='jabber:x:data'>${formType}${requests}${fields}</x>`);
    const none = "<field var='message-count'><value>0</value></field>";
    const sender = "<field var='last-message-sender'><value>bob@example.net</value></field>";
    expect(summary('')).toMatchObject({ count: 0, requests: 2, isImportant: true });
    expect(summary(none)).toMatchObject({ isImportant: true });
    expect(summary(none + sender)).toMatchObject({ isImportant: false });
    const low = "<priority xmlns='tigase:push:priority:0'>low</priority>";
    expect(publish(`<x xmlns='jabber:x:data'>${formType}${requests}</x>${low}`)).toMatchObject({
      isImportant: true,
    });
  });
});

it('a message that is sealed already may stand in a publish, with a token', () => {
  const point = Buffer.concat([Buffer.of(4), createHash('sha512').update('point').digest()]);
  const token = `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from('{"exp":1800000100}').toString('base64url')}.c2ln`;
  const { content } = read(
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item><notification xmlns='urn:xmpp:push:0'><encrypted xmlns='urn:xmpp:sce:rfc8291:0'><payload>DGv6ra1nlYgDCS1F\nRnbzlwAAEABB</payload></encrypted><jwt key='${point.toString('base64')}'>${token}</jwt></notification></item></publish></pubsub>`,
  );
  expect(content).toEqual({
    kind: 'sealed',
    isImportant: true,
    isCall: false,
    body: Buffer.from('DGv6ra1nlYgDCS1FRnbzlwAAEABB', 'base64'),
    token: {
      authorization: `vapid t=${token}, k=${point.toString('base64url')}`,
      expiresAt: 1_800_000_100,
    },
  });
});
