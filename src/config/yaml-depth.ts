import { CST, Lexer } from 'yaml';

const maxDepth = 100;
const blockIndicators: ReadonlySet<string | null> = new Set([
  'seq-item-ind',
  'explicit-key-ind',
  'map-value-ind',
]);
/** Some tell the parser what is next, and stand nowhere in the text. */
const unwritten: ReadonlySet<string | null> = new Set(['doc-mode', 'flow-error-end', 'scalar']);

/**
 * Where lists and sections that begin in one line, or between brackets, are deeper in each other than any key needs; undefined if
 * they nowhere are. The parser calls itself for each, and whoever runs out of stack may end the process: V8 cannot compile an
 * expression then.
 */
export function tooDeepAt(text: string): number | undefined {
  let [offset, brackets, inLine] = [0, 0, 0];
  let isScalarNext = false;
  for (const lexeme of new Lexer().lex(text)) {
    const type: CST.TokenType | 'scalar text' | null = isScalarNext ? 'scalar text' : CST.tokenType(lexeme);
    isScalarNext = type === 'scalar';
    if (type === 'flow-seq-start' || type === 'flow-map-start') brackets += 1;
    else if (type === 'flow-seq-end' || type === 'flow-map-end') brackets = Math.max(0, brackets - 1);
    else if (type === 'newline') inLine = 0;
    else if (brackets === 0 && blockIndicators.has(type)) inLine += 1;
    if (brackets + inLine > maxDepth) return offset;
    if (!unwritten.has(type)) offset += lexeme.length;
  }
  return undefined;
}
