// A client by xmpp.js, driven over standard input and output in lines of JSON, for what must be set before a process
// starts: the certificate that it trusts. Arguments: the service and the account, as JSON.
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { elementFromJson } from './line-client.js';
import { connectXmppJsTo } from './xmpp-js-client.js';

const accountSchema = z.object({
  user: z.string(),
  domain: z.string(),
  password: z.string(),
  resource: z.string(),
  comesBack: z.boolean(),
});
const [service = '', account = ''] = process.argv.slice(2);

const emit = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

let isBound = false;
const waiting: unknown[] = [];
const stream = await connectXmppJsTo(service, accountSchema.parse(JSON.parse(account)), (stanza) => {
  if (isBound) emit(stanza);
  else waiting.push(stanza);
});
emit({ jid: stream.jid });
isBound = true;
for (const stanza of waiting) emit(stanza);
for await (const line of createInterface({ input: process.stdin })) stream.send(elementFromJson(line));
await stream.close();
process.exit();
