import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { metadataElement, queryForm } from '../archive/answers.js';
import type { Archive } from '../archive/archive.js';
import { parsePreferences, preferencesElement } from '../archive/preferences.js';
import { ArchiveQueries } from '../archive/queries.js';
import type { AccountIq, Server, ServerModule } from '../module.js';

/** What clients may ask of the archives of their accounts, and say of what is to be in them. */
export function createArchiveModule(archive: Pick<Archive, 'settled'>): ServerModule {
  return {
    name: 'archive',
    implements: [
      { xep: '0059', version: '1.0', note: 'pages of archives, found by items and not by index' },
      { xep: '0313', version: '1.1.3' },
      { xep: '0359', version: '0.7.0' },
      { xep: '0441', version: '0.2.0' },
    ],
    setup(server) {
      const { archive: namespace, archiveExtended, archiveGroupchatField, stanzaIds } = ns;
      server.advertiseAccount({ features: [namespace, archiveExtended, archiveGroupchatField, stanzaIds] });
      const queries = new ArchiveQueries(server, archive);
      const on = (type: 'get' | 'set', name: string, handler: (request: AccountIq) => Promise<Element>) =>
        server.onAccountIq({ type, ns: namespace, name }, 'owner', handler);
      on('set', 'query', (request) => queries.answer(request));
      on('get', 'query', async () => queryForm());
      on('get', 'metadata', ({ account }) => readMetadata(server, archive, account.id));
      on('get', 'prefs', async (request) => readPreferences(server, request));
      on('set', 'prefs', (request) => writePreferences(server, request));
    },
  };
}

async function readMetadata(
  { stores }: Server,
  archive: Pick<Archive, 'settled'>,
  accountId: number,
): Promise<Element> {
  await archive.settled();
  return metadataElement(await stores.archive.ends(accountId));
}

function readPreferences({ settings }: Server, { account }: AccountIq): Element {
  const { defaultPolicy: fallback } = settings.archive;
  return preferencesElement(account.archivePreferences ?? { fallback, always: [], never: [] });
}

async function writePreferences({ accounts, stores }: Server, request: AccountIq): Promise<Element> {
  const preferences = parsePreferences(request.payload);
  await accounts.with(request.account.jid, async (account) => {
    if (account?.id !== request.account.id) throw new StanzaError('item-not-found');
    await stores.archive.putPreferences(account.id, preferences);
    account.archivePreferences = preferences;
  });
  return preferencesElement(preferences);
}
