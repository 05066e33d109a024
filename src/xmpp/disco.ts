import { type DataForm, formToElement } from './data-form.js';
import { type Element, el } from './element.js';
import { ns } from './ns.js';

/** What an entity is (XEP-0030 §3.1), from the registry of categories and types. */
export interface Identity {
  readonly category: string;
  readonly type: string;
  readonly name?: string;
  /** Language of the name. */
  readonly lang?: string;
}

/** The answer to disco#info. */
export interface DiscoInfo {
  readonly node?: string | undefined;
  readonly identities: readonly Identity[];
  readonly features: readonly string[];
  /** XEP-0128 result forms. */
  readonly forms?: readonly DataForm[];
}

/** An associated entity in the answer to disco#items. */
export interface DiscoItem {
  readonly jid: string;
  readonly node?: string;
  readonly name?: string;
}

/** The disco#info answer's `<query/>` (XEP-0030 §3.1, XEP-0128); each feature once, in order of first mention. */
export function discoInfoQuery(info: DiscoInfo): Element {
  return el(
    'query',
    ns.discoInfo,
    { node: info.node },
    ...info.identities.map(identityElement),
    ...[...new Set(info.features)].map((feature) => el('feature', ns.discoInfo, { var: feature })),
    ...(info.forms ?? []).map(formToElement),
  );
}

function identityElement({ category, type, name, lang }: Identity): Element {
  return el('identity', ns.discoInfo, { category, type, name, 'xml:lang': lang });
}

/** The disco#items answer's `<query/>` (XEP-0030 §4.1). */
export function discoItemsQuery(items: readonly DiscoItem[], node?: string): Element {
  return el(
    'query',
    ns.discoItems,
    { node },
    ...items.map((item) => el('item', ns.discoItems, { jid: item.jid, node: item.node, name: item.name })),
  );
}
