import type { ChildProcess } from 'node:child_process';

/** Asks a child process a question over its IPC channel, one at a time, and resolves with an answer of that kind. */
export type Ask<Question, Answer extends { readonly kind: string }> = <Kind extends Answer['kind']>(
  question: Question,
  kind: Kind,
) => Promise<Extract<Answer, { kind: Kind }>>;

export function asker<Question extends object, Answer extends { readonly kind: string }>(
  child: ChildProcess,
): Ask<Question, Answer> {
  return async (question, kind) => {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const end = () => reject(new Error('the child process ended without an answer'));
      child.once('exit', end);
      child.once('message', (message: Answer) => {
        child.off('exit', end);
        resolve(message);
      });
      child.send(question);
    });
    if (!isOfKind(answer, kind)) throw new Error(`the child process did not answer ${kind}`);
    return answer;
  };
}

function isOfKind<Answer extends { readonly kind: string }, Kind extends Answer['kind']>(
  answer: Answer,
  kind: Kind,
): answer is Extract<Answer, { kind: Kind }> {
  return answer.kind === kind;
}
