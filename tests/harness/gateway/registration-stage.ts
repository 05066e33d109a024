import { createECDH, randomBytes } from 'node:crypto';
import { parseOutgoingUrl } from '../../../src/net/outgoing-url.js';
import { type Acl, compileAcl } from '../../../src/services/acl.js';
import type { CommandAnswer } from '../../../src/services/ad-hoc/command.js';
import { createCredentials } from '../../../src/services/gateway/credentials.js';
import { createRegistrationCommands } from '../../../src/services/gateway/registration/commands.js';
import type { RegistrationOptions } from '../../../src/services/gateway/registration/options.js';
import { type DataForm, fieldValue } from '../../../src/xmpp/data-form.js';
import { Jid } from '../../../src/xmpp/jid.js';
import { FakeWebPush } from '../fake-web-push.js';
import { MemoryGatewayStore } from '../memory-gateway-store.js';
import { recordingEvents } from '../recording-events.js';

/** Names of fields, each with its value, or with all of them. */
export type Fields = Readonly<Record<string, string | readonly string[]>>;

export function submitted(fields: Fields): DataForm {
  return {
    type: 'submit',
    fields: Object.entries(fields).map(([name, values]) => ({
      var: name,
      values: typeof values === 'string' ? [values] : values,
    })),
  };
}

/** What a browser's subscription at a path of a push service says. */
export function subscriptionAt(path: string): {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
} {
  return {
    endpoint: `https://push.example.net/s/${path}`,
    p256dh: createECDH('prime256v1').generateKeys('base64url'),
    auth: randomBytes(16).toString('base64url'),
  };
}

/** The commands by which browsers are registered, on their own. */
export class RegistrationStage {
  readonly store = new MemoryGatewayStore();
  readonly webPush = new FakeWebPush();
  readonly recording = recordingEvents();
  readonly credentials = createCredentials({
    key: new Uint8Array(randomBytes(32)),
    randomBytes: (size) => new Uint8Array(randomBytes(size)),
  });
  /** Unix milliseconds. */
  now = Date.UTC(2026, 10, 21);
  maxDevices = 10;
  acl: Acl = compileAcl([Jid.parse('example.org')]);
  /** Hosts that DNS was asked for, and why nothing is sent to one. */
  readonly asked: string[] = [];
  whyNot: string | undefined;
  readonly #commands: ReturnType<typeof createRegistrationCommands>;

  constructor() {
    const options: RegistrationOptions = {
      domain: Jid.parse('push.example.org'),
      store: this.store,
      credentials: this.credentials,
      webPush: this.webPush,
      guard: {
        parse: (text) => parseOutgoingUrl(text, { allowPrivateNetworks: false }),
        judge: async (host) => {
          this.asked.push(host);
          return this.whyNot;
        },
      },
      acl: () => this.acl,
      settings: () => ({ maxDevices: this.maxDevices }),
      now: () => this.now,
      events: this.recording.events,
    };
    this.#commands = createRegistrationCommands(options);
  }

  /** What a command answers; rejects with what it throws. */
  async run(node: string, from: string, form?: DataForm): Promise<CommandAnswer> {
    const command = this.#commands.find((candidate) => candidate.node === node);
    if (command === undefined) throw new Error(`there is no command ${node}`);
    return command.run({ from: Jid.parse(from), form });
  }

  /** Registers by what is in the form, and answers what the client gets. */
  async register(fields: Fields, from = 'ana@example.org/web'): Promise<Registered> {
    const answer = await this.run('register-push-webpush', from, submitted(fields));
    if (answer.kind !== 'completed' || answer.form?.type !== 'result') throw new Error('not registered');
    const { form } = answer;
    const [jid = '', node = '', secret = ''] = ['jid', 'node', 'secret'].map((name) =>
      fieldValue(form, name),
    );
    return { jid, node, secret };
  }

  unregister(device: string, from = 'ana@example.org/web'): Promise<CommandAnswer> {
    return this.run('unregister-push-webpush', from, submitted({ 'device-id': device }));
  }

  /** Devices of the account, the one that was renewed last first. */
  async devices(account = 'ana@example.org'): Promise<readonly string[]> {
    return (await this.store.list(account)).map(({ device }) => device);
  }

  /** What events told, without those that a registration was made. */
  get told(): readonly object[] {
    return this.recording.recorded.filter(({ name }) => name !== 'gatewayRegistered');
  }
}

interface Registered {
  readonly jid: string;
  readonly node: string;
  readonly secret: string;
}
