import { describe, expect, it } from 'vitest';
import { clientStanzas } from '../../../../tests/harness/client-stanzas.js';
import { parseStored } from '../../../xmpp/stored-xml.js';
import { sealedTopic } from '../../subscriptions/sealed-topic.js';
import { conversationOf, topicOf } from './topic.js';

const { says, chat, room, presence, sent } = clientStanzas;
const ana = 'ana@example.org';

describe('the conversation', () => {
  it.each([
    ['with who has written', chat(says.text), 'ben@example.net'],
    ['in a room', room(says.text), 'tea@rooms.example.net'],
    ['with who asks for presence', presence('subscribe'), 'ben@example.net'],
    ['with whom the account has written to elsewhere', sent(says.text), 'ben@example.net'],
    ['with oneself', `<message xmlns='jabber:client' from='${ana}/a' to='${ana}'/>`, ana],
    ['with oneself, if nobody is named', "<message xmlns='jabber:client'/>", ana],
  ])('%s', (_, xml, expected) => {
    expect(conversationOf(parseStored(xml), ana)).toBe(expected);
  });
});

describe('what a stanza is about', () => {
  const about = (xml: string) => topicOf(parseStored(xml), ana);

  it('is the same for all words of a conversation', () => {
    expect(about(chat(says.text))).toBe(about(chat(says.retraction)));
    expect(about(chat(says.text))).toBe(about(sent(says.text)));
    expect(about(chat(says.text))).not.toBe(about(room(says.text)));
  });

  it('is a call as long as it goes on, the words beside, or a request', () => {
    expect(about(chat(says.propose))).toBe(about(chat(says.retract)));
    const all = [chat(says.propose), chat(says.text), presence('subscribe')].map(about);
    expect(new Set(all).size).toBe(3);
  });

  it('is words if a room is called', () => {
    expect(about(room(says.propose))).toBe(about(room(says.text)));
  });
});

describe('the topic for a push service', () => {
  const auth = Buffer.alloc(16, 1);
  const topic = sealedTopic(auth, ana, 'words ben@example.net');

  it('is as RFC 8030 §5.4 wants it, and the same each time', () => {
    expect(topic).toMatch(/^[A-Za-z0-9_-]{32}$/);
    expect(sealedTopic(auth, ana, 'words ben@example.net')).toBe(topic);
  });

  it('is another one for another subscription, account or conversation', () => {
    const others = [
      sealedTopic(Buffer.alloc(16, 2), ana, 'words ben@example.net'),
      sealedTopic(auth, 'eve@example.org', 'words ben@example.net'),
      sealedTopic(auth, ana, 'words tom@example.net'),
    ];
    expect(new Set([topic, ...others]).size).toBe(4);
  });
});
