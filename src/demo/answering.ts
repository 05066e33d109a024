import { type Element, el } from '../xmpp/element.js';
import { bodyOf } from '../xmpp/importance.js';
import { Jid } from '../xmpp/jid.js';
import { ns } from '../xmpp/ns.js';
import { message } from '../xmpp/stanza.js';

/** Milliseconds until an answer: time to close the tab in which the message was written. */
const delay = 5_000;

/** Answers that may be due at once; what is written beyond that gets none. */
const maxDue = 10;

/** Somebody to talk to: answers every chat message a little later. */
export interface Answering {
  /** Takes a message; the answer to it goes to `send`. */
  take(incoming: Element, send: (stanza: Element) => void): void;
  /** What is due is not sent any more. */
  stop(): void;
}

export function createAnswering(): Answering {
  const due = new Set<NodeJS.Timeout>();
  return {
    take(incoming, send) {
      const answer = answerTo(incoming);
      if (answer === undefined || due.size >= maxDue) return;
      const timer = setTimeout(() => {
        due.delete(timer);
        send(answer);
      }, delay);
      due.add(timer);
    },
    stop() {
      for (const timer of due) clearTimeout(timer);
      due.clear();
    },
  };
}

/** To the account, whichever of its clients is there by then. */
function answerTo(incoming: Element): Element | undefined {
  const from = Jid.tryParse(incoming.attr('from'));
  const text = incoming.attr('type') === 'chat' ? bodyOf(incoming) : undefined;
  if (from === undefined || text === undefined) return undefined;
  const body = el('body', ns.client, {}, `You have written: ${text}`);
  return message({ to: from.bare().toString(), type: 'chat' }, body);
}
