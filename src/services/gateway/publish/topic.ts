import { sealedTopic } from '../../subscriptions/sealed-topic.js';
import type { GatewayRegistration } from '../store.js';
import type { Content } from './content.js';
import { kindOf } from './payload.js';

type Registered = Pick<GatewayRegistration, 'node' | 'account' | 'auth'>;

/**
 * What a newer message replaces while it was not delivered: one of the same importance and conversation; where nobody is named, one
 * that says the same. What cannot be read here replaces nothing.
 */
export function topicOf(registered: Registered, content: Content): string | undefined {
  if (content.kind !== 'summary') return undefined;
  const { sender, body } = content;
  const about = sender === undefined ? `text ${body}` : `conversation ${sender.bare()}`;
  return sealed(registered, `${levelOf(content)} ${kindOf(content)} ${about}`);
}

/** The same of one of too many: the newest of its kind and importance stands for all of them. */
export function coarseTopicOf(registered: Registered, content: Content): string {
  const kind = content.isCall ? 'call' : content.kind;
  return sealed(registered, `${levelOf(content)} ${kind} of many`);
}

/** What is unimportant must not replace what is important. */
const levelOf = ({ isImportant }: Content) => (isImportant ? 'important' : 'unimportant');

/** With the node: accounts in one browser share its subscription. */
function sealed({ node, account, auth }: Registered, about: string): string {
  return sealedTopic(auth, account, `${node} ${about}`);
}
