/** Namespaces, by the name of what they belong to. */
export const ns = {
  client: 'jabber:client',
  componentAccept: 'jabber:component:accept',
  server: 'jabber:server',
  streams: 'http://etherx.jabber.org/streams',
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  stanzaErrors: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  xml: 'http://www.w3.org/XML/1998/namespace',
  dataForms: 'jabber:x:data',
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
  ping: 'urn:xmpp:ping',
  version: 'jabber:iq:version',
  time: 'urn:xmpp:time',
  unifiedPush: 'http://gultsch.de/xmpp/drafts/unified-push',
} as const;
