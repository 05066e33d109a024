import { type SaxesAttributeNS, SaxesParser } from 'saxes';

/** As much of the browser's `Element` as stanzas need. */
export class SmallElement {
  readonly nodeName: string;
  readonly localName: string;
  readonly namespaceURI: string;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
  readonly childNodes: (SmallElement | { readonly textContent: string })[] = [];

  constructor(tag: {
    readonly name: string;
    readonly local: string;
    readonly uri: string;
    readonly attributes: Readonly<Record<string, SaxesAttributeNS>>;
  }) {
    this.nodeName = tag.name;
    this.localName = tag.local;
    this.namespaceURI = tag.uri;
    this.attributes = Object.values(tag.attributes).map(({ name, value }) => ({ name, value }));
  }

  get children(): SmallElement[] {
    return this.childNodes.filter((node) => node instanceof SmallElement);
  }

  get textContent(): string {
    return this.childNodes.map((node) => node.textContent).join('');
  }

  getAttribute(name: string): string | null {
    return this.attributes.find((attribute) => attribute.name === name)?.value ?? null;
  }

  hasAttribute(name: string): boolean {
    return this.getAttribute(name) !== null;
  }

  getElementsByTagName(name: string): SmallElement[] {
    return this.#below().filter((element) => element.nodeName === name);
  }

  getElementsByTagNameNS(namespace: string, name: string): SmallElement[] {
    return this.#below().filter(
      (element) => element.namespaceURI === namespace && element.localName === name,
    );
  }

  #below(): SmallElement[] {
    return this.children.flatMap((child) => [child, ...child.#below()]);
  }
}

/** The browser's `DOMParser`, for XML that is well-formed; throws for other. */
export class SmallDomParser {
  parseFromString(text: string): { readonly documentElement: SmallElement } {
    return { documentElement: parseSmall(text) };
  }
}

export function parseSmall(text: string): SmallElement {
  const parser = new SaxesParser({ xmlns: true });
  const open: SmallElement[] = [];
  let root: SmallElement | undefined;
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => {
    const element = new SmallElement(tag);
    open.at(-1)?.childNodes.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('text', (textContent) => open.at(-1)?.childNodes.push({ textContent }));
  parser.on('closetag', () => open.pop());
  parser.write(text).close();
  if (root === undefined) throw new Error('there is no element');
  return root;
}
