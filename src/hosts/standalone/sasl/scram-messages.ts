import { decodeUtf8 } from './decode-utf8.js';

/** What the client says of channel binding (RFC 5802 §7): it cannot, it could but the server does not, or which type. */
export type BindingFlag = 'n' | 'y' | { readonly type: string };

/** The client's first message (RFC 5802 §7). */
export interface ClientFirst {
  readonly flag: BindingFlag;
  readonly authzid: string | undefined;
  readonly username: string;
  readonly nonce: string;
  /** The GS2 header as it came, which the client repeats in its final message. */
  readonly gs2Header: string;
  /** The rest of the message as it came: part of what is signed. */
  readonly bare: string;
}

/** The client's final message (RFC 5802 §7). */
export interface ClientFinal {
  /** In base64: the GS2 header, and the channel's data if there is a binding. */
  readonly channelBinding: string;
  readonly nonce: string;
  readonly proof: Uint8Array;
  /** The message without its last attribute, as it came: part of what is signed. */
  readonly withoutProof: string;
}

const nonce = '[!-+\\--~]+';
const extensions = '(?:,[A-Za-z]=[^,]+)*';
const clientFirst = new RegExp(
  `^((n|y|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,)(n=([^,]+),r=(${nonce})(${extensions}))$`,
  's',
);
const clientFinal = new RegExp(`^(c=([^,]+),r=(${nonce})(${extensions})),p=([^,]+)$`, 's');
/** An extension that must be understood; none is, by anybody (RFC 5802 §5.1). */
const mandatoryExtension = /,m=/;

/** Reads the client's first message; undefined if it is malformed. */
export function parseClientFirst(message: Uint8Array): ClientFirst | undefined {
  const match = clientFirst.exec(decodeText(message) ?? '');
  if (match === null) return undefined;
  const [, gs2Header = '', flag, type, escapedAuthzid, bare = '', escapedName = '', nonce = '', more = ''] =
    match;
  const username = unescapeName(escapedName);
  const authzid = unescapeName(escapedAuthzid ?? '');
  if (username === undefined || authzid === undefined || mandatoryExtension.test(more)) return undefined;
  return {
    flag: type === undefined ? (flag === 'y' ? 'y' : 'n') : { type },
    authzid: escapedAuthzid === undefined ? undefined : authzid,
    username,
    nonce,
    gs2Header,
    bare,
  };
}

/** Reads the client's final message; undefined if it is malformed. */
export function parseClientFinal(message: Uint8Array): ClientFinal | undefined {
  const match = clientFinal.exec(decodeText(message) ?? '');
  if (match === null) return undefined;
  const [, withoutProof = '', channelBinding = '', nonce = '', more = '', proofText = ''] = match;
  const proof = decodeBase64(proofText);
  if (proof === undefined || decodeBase64(channelBinding) === undefined || mandatoryExtension.test(more)) {
    return undefined;
  }
  return { channelBinding, nonce, proof, withoutProof };
}

/** The text of a message, which has no NUL. */
function decodeText(message: Uint8Array): string | undefined {
  const text = decodeUtf8(message);
  return text?.includes('\0') ? undefined : text;
}

/** Bytes of canonical base64 with padding (RFC 4648 §3.5, §4); undefined for anything else. */
function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** A `saslname` (RFC 5802 §5.1): `=2C` for a comma, `=3D` for the sign itself, which stands nowhere else. */
function unescapeName(escaped: string): string | undefined {
  if (/=(?!2C|3D)/.test(escaped)) return undefined;
  return escaped.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
