/**
 * Decodes unpadded base64url in its one canonical form; undefined for anything else, so that no two texts stand for the
 * same bytes (RFC 4648 §3.5).
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
