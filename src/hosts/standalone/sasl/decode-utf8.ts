/** The longest message worth reading, in bytes: one with two names of 1,023 bytes, all of them escaped. */
const maxMessageBytes = 8_192;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a mechanism's message; undefined if it is too long or not strict UTF-8. */
export function decodeUtf8(message: Uint8Array): string | undefined {
  if (message.length > maxMessageBytes) return undefined;
  try {
    return decoder.decode(message);
  } catch {
    return undefined;
  }
}
