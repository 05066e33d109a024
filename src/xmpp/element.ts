/** What stands between two tags: a child element or text. */
export type Node = Element | string;

/** Attribute values by name; a prefixed attribute keeps its prefix (`xml:lang`). */
export type Attributes = Readonly<Record<string, string>>;

/** What inherits from this has nothing that was not put there, not even a `constructor` or `__proto__`. */
class Bare {
  [name: string]: string;
}
Object.setPrototypeOf(Bare.prototype, null);
Reflect.deleteProperty(Bare.prototype, 'constructor');

/**
 * An empty record for names that a peer chooses: whatever is there was put there. `Object.create(null)` is as safe and
 * several times as slow, for the engine makes a hash table of it.
 */
export const newRecord = (): Record<string, string> => new Bare();

/** One for all elements that have none: there can be very many of them. */
export const noAttributes: Attributes = Object.freeze(newRecord());
export const noChildren: readonly Node[] = Object.freeze([]);

/**
 * An XML element with its namespace resolved. Immutable: a change is a new element, so that a stanza may be handed
 * to several receivers.
 */
export class Element {
  /** Local name. */
  readonly name: string;
  /** Namespace URI; the empty string for none. */
  readonly ns: string;
  readonly attrs: Attributes;
  readonly children: readonly Node[];

  constructor(
    name: string,
    ns: string,
    attrs: Attributes = noAttributes,
    children: readonly Node[] = noChildren,
  ) {
    this.name = name;
    this.ns = ns;
    this.attrs = attrs;
    this.children = children;
  }

  /** True if this element is `name` in `ns`. */
  is(name: string, ns: string): boolean {
    return this.name === name && this.ns === ns;
  }

  /** The attribute's value, or undefined. Names that every object inherits (`constructor`) are not attributes. */
  attr(name: string): string | undefined {
    return Object.hasOwn(this.attrs, name) ? this.attrs[name] : undefined;
  }

  /** The child elements, text left out. */
  elements(): Element[] {
    return this.children.filter((child): child is Element => typeof child !== 'string');
  }

  /** The first child element of that name and namespace (default: the namespace of this element). */
  child(name: string, ns: string = this.ns): Element | undefined {
    for (const child of this.children) {
      if (typeof child !== 'string' && child.name === name && child.ns === ns) return child;
    }
    return undefined;
  }

  /** The first child element, whatever its name. */
  firstElement(): Element | undefined {
    for (const child of this.children) if (typeof child !== 'string') return child;
    return undefined;
  }

  /** The text directly inside this element, the pieces joined; without the text of child elements. */
  text(): string {
    const [only] = this.children;
    if (this.children.length === 1 && typeof only === 'string') return only;
    return this.children.filter((child): child is string => typeof child === 'string').join('');
  }

  /** The same element with attributes set or, by `undefined`, removed. */
  withAttrs(changes: Readonly<Record<string, string | undefined>>): Element {
    const attrs = Object.assign(newRecord(), this.attrs);
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) delete attrs[name];
      else attrs[name] = value;
    }
    return new Element(this.name, this.ns, attrs, this.children);
  }

  /** The same element with other children. */
  withChildren(children: readonly Node[]): Element {
    return new Element(this.name, this.ns, this.attrs, children);
  }
}

/** A new element; attributes that are `undefined` are left out, so that optional ones can be written in place. */
export function el(
  name: string,
  ns: string,
  attrs: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Node[]
): Element {
  const present = newRecord();
  for (const [key, value] of Object.entries(attrs)) if (value !== undefined) present[key] = value;
  return new Element(name, ns, present, children);
}
