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
import type { Advertisement, DiscoNode, IqHandler, IqRequest, IqRoute } from '../host.js';

/** What software version (XEP-0092) answers. */
export interface Software {
  readonly name: string;
  readonly version: string;
}

/** What the domain says about itself: its own basics, and what services add. Nodes are theirs alone. */
export class SelfDescription {
  readonly #identities: readonly Identity[];
  readonly #advertised: Advertisement[] = [];
  readonly #nodes = new Map<string, DiscoNode>();

  constructor(identity: Identity) {
    this.#identities = [identity];
  }

  /** @throws {Error} if one of its nodes is there already */
  add(advertisement: Advertisement): void {
    for (const node of advertisement.nodes ?? []) {
      if (this.#nodes.has(node.node)) throw new Error(`there is a node ${node.node} already`);
      this.#nodes.set(node.node, node);
    }
    this.#advertised.push(advertisement);
  }

  /**
   * What it is and does, or what a node of it is and does.
   * @throws {StanzaError} `item-not-found` if there is no such node (XEP-0030 §7)
   */
  info(node: string | undefined): DiscoInfo {
    if (node !== undefined) return { ...this.#node(node).info, node };
    const { identities, features, forms } = joinAdvertised(this.#advertised);
    return {
      identities: [...this.#identities, ...identities],
      features: [ns.discoInfo, ns.discoItems, ns.ping, ns.version, ...features],
      forms,
    };
  }

  /** What belongs to it, or to a node of it. As `info` if there is no such node. */
  items(node: string | undefined): readonly DiscoItem[] {
    return node === undefined ? this.#advertised.flatMap((one) => one.items ?? []) : this.#node(node).items;
  }

  #node(name: string): DiscoNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new StanzaError('item-not-found');
    return node;
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
    [get(ns.discoInfo, 'query'), (request) => discoInfoQuery(self.info(nodeOf(request)))],
    [get(ns.discoItems, 'query'), (request) => discoItemsQuery(self.items(nodeOf(request)), nodeOf(request))],
    [get(ns.ping, 'ping'), () => undefined],
    [get(ns.version, 'query'), () => versionQuery(software)],
  ];
}

function get(namespace: string, name: string): IqRoute {
  return { type: 'get', ns: namespace, name };
}

/** Which node discovery asks for; undefined: for none, but for the entity. */
function nodeOf({ payload }: IqRequest): string | undefined {
  const node = payload.attr('node');
  return node === '' ? undefined : node;
}

/** A handler of discovery where there are no nodes (XEP-0030 §7): whoever asks for one gets `item-not-found`. */
export function withoutNode<Request extends IqRequest>(
  handler: (request: Request) => Element,
): (request: Request) => Element {
  return (request) => {
    if (nodeOf(request) !== undefined) throw new StanzaError('item-not-found');
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
