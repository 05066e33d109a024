import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Question } from './lean-distributor.js';

/** Asks the lean distributor; one question at a time. */
export async function ask<Kind extends Answer['kind']>(
  distributor: ChildProcess,
  question: Question,
  kind: Kind,
): Promise<Extract<Answer, { kind: Kind }>> {
  const answered = once(distributor, 'message');
  distributor.send(question);
  const [answer]: Answer[] = await answered;
  if (answer === undefined || !isOfKind(answer, kind))
    throw new Error(`the distributor did not answer ${kind}`);
  return answer;
}

function isOfKind<Kind extends Answer['kind']>(
  answer: Answer,
  kind: Kind,
): answer is Extract<Answer, { kind: Kind }> {
  return answer.kind === kind;
}
