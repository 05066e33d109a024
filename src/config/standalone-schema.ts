import { about } from './about.js';
import {
  addressesByDomain,
  addressOrFalse,
  choice,
  count,
  domains,
  duration,
  durationOrNever,
  line,
  path,
  secretsByDomain,
  yesOrNo,
} from './values.js';

/** The settings of a standalone Belfry. */
export const standaloneSettings = {
  'standalone.c2s': addressOrFalse.prefault('127.0.0.1:5222').register(about, {
    meaning: 'Address where clients connect and begin TLS by STARTTLS; `false` for none.',
    prosody: 'c2s_ports',
  }),
  'standalone.c2s_direct_tls': addressOrFalse.prefault('127.0.0.1:5223').register(about, {
    meaning: 'Address where clients connect with TLS from the first byte (XEP-0368); `false` for none.',
    prosody: 'c2s_direct_tls_ports',
  }),
  'standalone.require_encryption': yesOrNo.prefault(true).register(about, {
    meaning:
      '`false`: clients may talk, and send their password, without TLS. For tests and trusted networks.',
    prosody: 'c2s_require_encryption',
  }),
  'standalone.tls.cert': path.optional().register(about, {
    defaultInWords: 'a self-signed certificate in `data_dir`',
    meaning: 'File with the certificate and its intermediate ones, as PEM (`fullchain.pem`).',
    prosody: 'certificates',
    isReloadable: true,
  }),
  'standalone.tls.key': path.optional().register(about, {
    defaultInWords: 'the key of that certificate',
    meaning: 'File with the private key of `standalone.tls.cert`, as PEM without a password.',
    prosody: 'ssl',
    isReloadable: true,
  }),
  'standalone.registration': choice(['closed', 'open']).prefault('closed').register(about, {
    meaning:
      '`open`: whoever connects may make an account (XEP-0077); `closed`: only `belfry user add` makes them.',
    prosody: 'allow_registration',
    isReloadable: true,
  }),
  'standalone.rate_limit': count({ min: 0, max: 1_000_000_000 }).prefault(1_000_000).register(about, {
    meaning:
      'Bytes per second that a connection may send for long; beyond it, Belfry reads more slowly. 0 for no limit.',
    prosody: 'limits',
  }),
  'standalone.max_connections_per_address': count({ min: 0, max: 1_000_000 }).prefault(100).register(about, {
    meaning:
      'Connections of clients, and of other servers, from one IP address (for IPv6: one /64) at a time; 0 for no limit.',
  }),
  'standalone.max_sessions_per_account': count({ min: 1, max: 1_000 }).prefault(20).register(about, {
    meaning: 'Devices of an account that are connected at a time.',
    isReloadable: true,
  }),
  'standalone.max_offline_messages': count({ min: 0, max: 100_000 }).prefault(1_000).register(about, {
    meaning: 'Messages kept for an account while none of its devices is connected; 0 for none.',
    isReloadable: true,
  }),
  'standalone.s2s': addressOrFalse.prefault('127.0.0.1:5269').register(about, {
    meaning:
      'Address where other servers connect and begin TLS by STARTTLS; `false` for no federation at all. Others reach it once it is one that they can reach.',
    prosody: 's2s_ports',
  }),
  'standalone.s2s_direct_tls': addressOrFalse.prefault('127.0.0.1:5270').register(about, {
    meaning: 'Address where other servers connect with TLS from the first byte (XEP-0368); `false` for none.',
    prosody: 's2s_direct_tls_ports',
  }),
  'standalone.s2s_require_encryption': yesOrNo.prefault(true).register(about, {
    meaning: '`false`: streams with other servers may go without TLS.',
    prosody: 's2s_require_encryption',
    isReloadable: true,
  }),
  'standalone.s2s_secure_auth': yesOrNo.prefault(false).register(about, {
    meaning:
      '`true`: another server has to have a certificate that verifies for its domain; else dialback (XEP-0220) does as well.',
    prosody: 's2s_secure_auth',
    isReloadable: true,
  }),
  'standalone.s2s_secure_domains': domains.prefault([]).register(about, {
    defaultInWords: 'none',
    meaning: 'Domains that have to have such a certificate, whatever `standalone.s2s_secure_auth` is.',
    prosody: 's2s_secure_domains',
    isReloadable: true,
  }),
  'standalone.s2s_insecure_domains': domains.prefault([]).register(about, {
    defaultInWords: 'none',
    meaning: 'Domains for which dialback does, whatever `standalone.s2s_secure_auth` is.',
    prosody: 's2s_insecure_domains',
    isReloadable: true,
  }),
  'standalone.s2s_allowed_domains': domains.optional().register(about, {
    defaultInWords: 'all',
    meaning: 'The only domains to talk with, those below them included. An empty list permits none.',
    prosody: 's2s_whitelist',
    isReloadable: true,
  }),
  'standalone.s2s_blocked_domains': domains.prefault([]).register(about, {
    defaultInWords: 'none',
    meaning: 'Domains not to talk with, nor with those below them, even where they are allowed.',
    prosody: 's2s_blacklist',
    isReloadable: true,
  }),
  'standalone.s2s_ca': path.optional().register(about, {
    defaultInWords: 'none',
    meaning:
      'File with certificates, as PEM, of authorities to trust for other servers beside the well-known ones.',
    prosody: 'certificates',
    isReloadable: true,
  }),
  'standalone.s2s_connect': addressesByDomain.optional().register(about, {
    defaultInWords: 'none',
    meaning: 'Where the servers of some domains are, instead of what DNS says: address by domain.',
    prosody: 's2s_connect_overrides',
    isReloadable: true,
  }),
  'standalone.s2s_allow_private_networks': yesOrNo.prefault(false).register(about, {
    meaning:
      '`true`: DNS may lead to addresses of private networks. `standalone.s2s_connect` may in any case.',
    isReloadable: true,
  }),
  'standalone.components.listen': addressOrFalse.prefault(false).register(about, {
    meaning:
      'Address where external components connect (XEP-0114); `false` for none. Their secrets cross it in a form that whoever listens in can try to guess, and stanzas in clear: keep it on the machine or a trusted network.',
    prosody: 'component_ports',
  }),
  'standalone.components.secrets': secretsByDomain.optional().register(about, {
    defaultInWords: 'none',
    meaning: 'The components that may connect: secret by domain.',
    prosody: 'component_secret',
    isSecret: true,
  }),
};

/** Sessions that outlive their connection, and the archive: of a standalone Belfry as well, in sections of their own. */
export const sessionSettings = {
  'smacks.hibernation_time': duration({ min: '1 second', max: '1 week' }).prefault(600).register(about, {
    meaning: 'How long a session without connection waits for its client to come back (XEP-0198).',
    prosody: 'smacks_hibernation_time',
    isReloadable: true,
  }),
  'smacks.max_ack_delay': duration({ min: '1 second', max: '10 minutes' }).prefault(30).register(about, {
    meaning: 'How long a client may take to acknowledge stanzas before it counts as asleep.',
    prosody: 'smacks_max_ack_delay',
    isReloadable: true,
  }),
  'smacks.max_queue_size': count({ min: 1, max: 100_000 }).prefault(500).register(about, {
    meaning: 'Stanzas that wait for a client without connection; one more, and its session is over.',
    prosody: 'smacks_max_queue_size',
    isReloadable: true,
  }),
  'archive.default_policy': choice(['always', 'roster', 'never']).prefault('always').register(about, {
    meaning:
      'Which messages are archived (XEP-0313) for accounts that have not said: `always` all, `roster` those of contacts, `never` none.',
    prosody: 'default_archive_policy',
    isReloadable: true,
  }),
  'archive.expires_after': durationOrNever({ min: '1 hour', max: '100 years' })
    .prefault('30 days')
    .register(about, {
      meaning: 'How long archived messages are kept; `never` or 0: for good.',
      prosody: 'archive_expires_after',
      isReloadable: true,
    }),
  'archive.max_query_results': count({ min: 1, max: 1_000 }).prefault(50).register(about, {
    meaning: 'The most messages in one page of an answer from the archive.',
    prosody: 'max_archive_query_results',
    isReloadable: true,
  }),
};

/** What devices are told while they sleep (XEP-0357): of a standalone Belfry too. */
export const cloudNotifySettings = {
  'cloud_notify.important_body': line({ maxBytes: 1_000 }).prefault('New Message!').register(about, {
    meaning:
      'What push services are told instead of the text of a message that is worth showing; empty for no text.',
    prosody: 'push_notification_important_body',
    isReloadable: true,
  }),
  'cloud_notify.max_errors': count({ min: 1, max: 1_000 }).prefault(16).register(about, {
    meaning:
      'Refusals in a row after which a registration rests: it is tried once a day, until that succeeds or its client enables it again.',
    prosody: 'push_max_errors',
    isReloadable: true,
  }),
  'cloud_notify.max_devices': count({ min: 1, max: 100 }).prefault(5).register(about, {
    meaning: 'Registrations of an account; one more, and one that rests goes, or else the oldest.',
    prosody: 'push_max_devices',
    isReloadable: true,
  }),
  'cloud_notify.max_hibernation_timeout': duration({ min: '1 second', max: '30 days' })
    .prefault(259_200)
    .register(about, {
      meaning:
        'How long a session without connection waits whose device can be told, until it was told of something important; from then on `smacks.hibernation_time` counts, and never less than that.',
      prosody: 'push_max_hibernation_timeout',
      isReloadable: true,
    }),
  'cloud_notify.with_body': yesOrNo.prefault(false).register(about, {
    meaning: '`true`: push services are told the text of messages that are not encrypted end to end.',
    prosody: 'push_notification_with_body',
    isReloadable: true,
  }),
  'cloud_notify.with_sender': yesOrNo.prefault(false).register(about, {
    meaning: '`true`: push services are told who wrote.',
    prosody: 'push_notification_with_sender',
    isReloadable: true,
  }),
  'cloud_notify.collection_time': duration({ min: '0 seconds', max: '1 minute' })
    .prefault(1)
    .register(about, {
      meaning:
        'How long what comes for a device is collected before it is told of all of it at once; 0 for not at all. Calls do not wait.',
      isReloadable: true,
    }),
};
