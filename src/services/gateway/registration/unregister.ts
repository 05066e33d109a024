import type { DataForm } from '../../../xmpp/data-form.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Command } from '../../ad-hoc/command.js';
import { ChangeLimit } from '../../change-limit.js';
import { askingAccount } from './asking-account.js';
import { unregisterForm } from './forms.js';
import { kept, withdraw } from './kept.js';
import type { RegistrationOptions } from './options.js';
import { readDevice } from './submitted.js';

/** Removes what a device has registered, with what waits for it. */
export function createUnregister(options: RegistrationOptions): Command {
  const { acl, events, now, store } = options;
  const limit = new ChangeLimit();

  async function ask(account: string): Promise<DataForm> {
    const registrations = await kept(options, store.list(account));
    if (registrations.length === 0)
      throw new StanzaError('item-not-found', 'This account has registered no device.');
    return unregisterForm(registrations);
  }

  async function remove(account: string, form: DataForm): Promise<void> {
    const device = readDevice(form);
    const place = await kept(options, store.removeDevice(account, device));
    if (place === undefined) throw new StanzaError('item-not-found', 'There is no such device.');
    events.gatewayUnregistered({ account, why: 'client' });
    await withdraw(options, [place]);
  }

  return {
    node: 'unregister-push-webpush',
    name: 'Unregister a browser',
    async run({ from, form }) {
      const account = askingAccount(from, acl());
      if (!limit.take(account, now()))
        throw new StanzaError('resource-constraint', 'Too many changes at once. Try again later.');
      if (form === undefined) return { kind: 'form', form: await ask(account) };
      await remove(account, form);
      return { kind: 'completed', note: 'The device is no longer registered.' };
    },
  };
}
