/** The part of xmpp.js that the harness uses; the package has no types of its own. */
declare module '@xmpp/client' {
  export interface Element {
    readonly attrs: Readonly<Record<string, string>>;
    readonly children: readonly (Element | string)[];
    getName(): string;
    getNS(): string | undefined;
    is(name: string): boolean;
  }

  export interface Client {
    /** Milliseconds that it waits for the server's stream header. */
    timeout: number;
    /** Connects again when the connection is lost, after so many milliseconds. */
    readonly reconnect: { delay: number; stop(): void };
    /** Whether the server has answered that it keeps count of stanzas (XEP-0198). */
    readonly streamManagement: { readonly enabled: boolean };
    readonly iqCallee: { set(namespace: string, name: string, handler: () => unknown): void };
    on(event: 'error', listener: (error: Error) => void): void;
    on(event: 'stanza', listener: (stanza: Element) => void): void;
    start(): Promise<{ toString(): string }>;
    stop(): Promise<unknown>;
    send(stanza: Element): Promise<void>;
  }

  export function client(options: {
    service: string;
    domain: string;
    username: string;
    password: string;
    resource: string;
  }): Client;

  export function xml(
    name: string,
    attrs: Record<string, string>,
    ...children: (Element | string)[]
  ): Element;
}
