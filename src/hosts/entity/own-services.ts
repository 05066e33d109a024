import {
  type DiscoInfo,
  type DiscoItem,
  discoInfoQuery,
  discoItemsQuery,
  type Identity,
} from '../../xmpp/disco.js';
import { type Element, el } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { Advertisement, IqHandler, IqRequest, IqRoute } from '../host.js';

/** What software version (XEP-0092) answers. */
export interface Software {
  readonly name: string;
  readonly version: string;
}

/** What the domain says about itself in disco#info: its own basics, and what services add. */
export class SelfDescription {
  readonly #identities: readonly Identity[];
  readonly #advertised: Advertisement[] = [];

  constructor(identity: Identity) {
    this.#identities = [identity];
  }

  add(advertisement: Advertisement): void {
    this.#advertised.push(advertisement);
  }

  get info(): DiscoInfo {
    const { identities, features, forms } = joinAdvertised(this.#advertised);
    return {
      identities: [...this.#identities, ...identities],
      features: [ns.discoInfo, ns.discoItems, ns.ping, ns.version, ...features],
      forms,
    };
  }

  get items(): readonly DiscoItem[] {
    return this.#advertised.flatMap((one) => one.items ?? []);
  }
}

/** All that was advertised, as one description. */
export function joinAdvertised(advertised: readonly Advertisement[]): Required<Omit<DiscoInfo, 'node'>> {
  return {
    identities: advertised.flatMap((one) => one.identities ?? []),
    features: advertised.flatMap((one) => one.features ?? []),
    forms: advertised.flatMap((one) => one.forms ?? []),
  };
}

/**
 * What every entity of ours answers: XEP-0030 disco#info and disco#items, XEP-0199 ping, XEP-0092 software version
 * (without the operating system, which is nobody's business).
 */
export function ownServices(
  self: SelfDescription,
  software: Software,
): readonly (readonly [IqRoute, IqHandler])[] {
  return [
    [get(ns.discoInfo, 'query'), withoutNode(() => discoInfoQuery(self.info))],
    [get(ns.discoItems, 'query'), withoutNode(() => discoItemsQuery(self.items))],
    [get(ns.ping, 'ping'), () => undefined],
    [get(ns.version, 'query'), () => versionQuery(software)],
  ];
}

function get(namespace: string, name: string): IqRoute {
  return { type: 'get', ns: namespace, name };
}

/** A handler of discovery where there are no nodes (XEP-0030 §7): whoever asks for one gets `item-not-found`. */
export function withoutNode<Request extends IqRequest>(
  handler: (request: Request) => Element,
): (request: Request) => Element {
  return (request) => {
    if ((request.payload.attr('node') ?? '') !== '') throw new StanzaError('item-not-found');
    return handler(request);
  };
}

function versionQuery({ name, version }: Software) {
  return el(
    'query',
    ns.version,
    {},
    el('name', ns.version, {}, name),
    el('version', ns.version, {}, version),
  );
}
