import { about } from './about.js';
import { accounts, contact, count, domain, duration, line, path, yesOrNo } from './values.js';

/** The app server that turns publishes of XMPP servers into Web Push (XEP-0357). */
export const gatewaySettings = {
  'gateway.enabled': yesOrNo.prefault(true).register(about, {
    meaning:
      '`true`: XMPP servers can have browsers and UnifiedPush applications told of messages through Belfry (XEP-0357).',
  }),
  'gateway.jid': domain.optional().register(about, {
    defaultInWords: '`component.jid`; standalone: `push.` and `domain`, unless a component has that name',
    meaning:
      'The JID at which clients register and servers publish. Standalone: the domain or one below it. On a component, one that is not `component.jid` is a further component with the same secret.',
  }),
  'gateway.acl': accounts.optional().register(about, {
    defaultInWords: 'that of `unified_push.acl`, where entries with a resource permit nobody here',
    meaning:
      'Whose accounts may register and be published for: domains and bare JIDs. An empty list permits nobody.',
    isReloadable: true,
  }),
  'gateway.max_devices': count({ min: 1, max: 100 }).prefault(10).register(about, {
    meaning: 'Registrations of an account; one more, and the one goes that was not renewed for longest.',
    isReloadable: true,
  }),
  'gateway.rate_limit': count({ min: 0, max: 1_000_000 }).prefault(60).register(about, {
    meaning:
      'Publishes per minute and registration that are sent each by itself; of those beyond, the last one is sent when the minute is over. 0 for no limit.',
    isReloadable: true,
  }),
};

/** What browsers of accounts here are told, and how the push services of browsers are reached, whoever has something to say. */
export const webPushSettings = {
  'web_push.important_body': line({ maxBytes: 1_000 }).prefault('New Message!').register(about, {
    meaning:
      'What browsers are told instead of the text of a message that is worth showing; empty for no text.',
    isReloadable: true,
  }),
  'web_push.max_devices': count({ min: 1, max: 100 }).prefault(5).register(about, {
    meaning: 'Browsers of an account; one more, and one that rests goes, or else the oldest.',
    isReloadable: true,
  }),
  'web_push.with_body': yesOrNo.prefault(false).register(about, {
    meaning:
      '`true`: browsers are told the text of messages that are not encrypted end to end. Push services cannot read it.',
    isReloadable: true,
  }),
  'web_push.with_sender': yesOrNo.prefault(false).register(about, {
    meaning: '`true`: browsers are told who wrote. Push services cannot read it.',
    isReloadable: true,
  }),
  'web_push.ttl': duration({ min: '1 minute', max: '4 weeks' }).prefault('3 days').register(about, {
    meaning: 'How long a push service keeps a message for a browser that is away. A call: 1 minute.',
    isReloadable: true,
  }),
  'web_push.contact': contact.optional().register(about, {
    defaultInWords:
      '`http.public_url` if that is https and not on localhost, else `mailto:postmaster@` and `domain`, on a component `component.jid`',
    meaning:
      'Whom push services can turn to if something is wrong, told to all of them: `mailto:` and a mailbox, or an https URL (RFC 8292).',
  }),
  'web_push.allow_private_networks': yesOrNo.prefault(false).register(about, {
    meaning:
      '`true`: endpoints may be in private networks and on this machine, where whoever has an account can then have requests sent to.',
  }),
  'web_push.ca': path.optional().register(about, {
    defaultInWords: 'none',
    meaning:
      'File with certificates, as PEM, of authorities to trust for push services beside the well-known ones.',
  }),
  'web_push.max_waiting': count({ min: 1, max: 10_000_000 }).prefault(100_000).register(about, {
    meaning: 'Messages that may wait on disk because push services did not take them yet.',
    isReloadable: true,
  }),
};
