import type { DataForm } from '../../xmpp/data-form.js';

/** What a browser subscribes with, for disco#info (XEP-0128): the key, as `PushManager.subscribe` takes it. */
export function keyForm(publicKey: string): DataForm {
  return {
    type: 'result',
    fields: [
      { var: 'FORM_TYPE', type: 'hidden', values: ['http://jabber.org/protocol/webpush#public-key'] },
      { var: 'webpush#public-key', values: [publicKey] },
    ],
  };
}
