import { saslprep } from '@mongodb-js/saslprep';

/** The longest password, in bytes of UTF-8. */
const maxPasswordBytes = 1_023;

/** Why a text cannot be a password. The message is a sentence for who chose it, and says nothing of the text. */
export class PasswordError extends Error {
  override readonly name = 'PasswordError';
}

/**
 * The form in which a password is compared: SASLprep (RFC 4013) without code points that Unicode 3.2 does not know, as
 * RFC 5802 §2.2 wants it, so that every client makes the same keys of it.
 * @throws {PasswordError} if the text is empty, too long or holds what passwords may not hold
 */
export function preparePassword(text: string): string {
  if (Buffer.byteLength(text) > maxPasswordBytes) {
    throw new PasswordError(`The password is longer than ${maxPasswordBytes.toLocaleString('en')} bytes.`);
  }
  const prepared = prepare(text);
  if (prepared === '') throw new PasswordError('The password is empty.');
  return prepared;
}

function prepare(text: string): string {
  try {
    return saslprep(text);
  } catch (error) {
    // So the library fails on a text of which nothing is left, such as a single soft hyphen.
    if (error instanceof TypeError) return '';
    throw new PasswordError(
      'The password holds characters that passwords cannot have (RFC 4013): control characters, most emoji, or letters of a right-to-left script mixed with others.',
      { cause: error },
    );
  }
}
