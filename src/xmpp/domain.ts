import { domainToASCII, domainToUnicode } from 'node:url';
import { satisfiesBidiRule } from './bidi-rule.js';
import { isLabelCodePoint } from './code-points.js';
import { composed, mapWidth, PreparationError, refuse, refuseContext } from './precis.js';

/** A domain of plain labels in lower case without A-labels: its prepared form is itself. */
const plainDomain =
  /^(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const plainLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** The longest label in its ASCII form, in bytes (RFC 1034 §3.1). */
const maxLabelLength = 63;

/**
 * The prepared form of a domainpart (RFC 7622 §3.2): U-labels (RFC 5890), lower case, NFC, no dot at the end; or an
 * IPv4 address, or an IPv6 address in brackets in its shortest form (RFC 5952). The result prepares to itself.
 *
 * Nothing is read as a number: `1.2` is a domain of two labels. A label with hyphens in the third and fourth place that
 * is no A-label passes, because such domains are in use. The Bidi Rule is held against each label by itself, as RFC 5891
 * §5.4 does: nobody chooses the labels of a domain above his own.
 * @throws {PreparationError} if it is neither a domain nor an address
 */
export function prepareDomain(text: string): string {
  if (plainDomain.test(text)) return text;
  if (text.startsWith('[')) return ipv6(text);
  const mapped = mapDomain(text);
  const relative = mapped.endsWith('.') ? mapped.slice(0, -1) : mapped;
  return relative.split('.').map(prepareLabel).join('.');
}

/** The mapping of RFC 5895 §2: lower case, width, NFC, and the ideographic full stops as dots. */
function mapDomain(text: string): string {
  const narrow = mapWidth(text).replaceAll('\u3002', '.').replaceAll('\uff61', '.');
  return composed(narrow.replaceAll(/\p{Changes_When_NFKC_Casefolded}/gu, toLowerCase));
}

function toLowerCase(character: string): string {
  return character.toLowerCase();
}

function prepareLabel(label: string): string {
  if (label.startsWith('xn--')) return decodeLabel(label);
  if (plainLabel.test(label)) return label;
  if (label === '') throw new PreparationError('has an empty label');
  checkLabel(label);
  encodeLabel(label);
  return label;
}

/** The U-label of an A-label; only if it is the A-label of that U-label. */
function decodeLabel(label: string): string {
  const decoded = domainToUnicode(label);
  // What cannot be decoded comes back empty or, in later versions of Node, as it was.
  if (
    decoded === '' ||
    decoded.startsWith('xn--') ||
    mapDomain(decoded) !== decoded ||
    encodeLabel(decoded) !== label
  ) {
    throw new PreparationError('has an invalid A-label (RFC 5890)');
  }
  checkLabel(decoded);
  return decoded;
}

function encodeLabel(label: string): string {
  const encoded = domainToASCII(label);
  if (encoded === '') throw new PreparationError('has a label without an ASCII form (RFC 5891)');
  if (encoded.length > maxLabelLength) {
    throw new PreparationError(`has a label longer than ${maxLabelLength} bytes`);
  }
  return encoded;
}

/** The conditions of RFC 5891 §5.4 for a U-label. */
function checkLabel(label: string): void {
  refuse(label, isLabelCodePoint);
  if (label.startsWith('-') || label.endsWith('-') || label.startsWith('--', 2)) {
    throw new PreparationError('has a label with a hyphen in the wrong place');
  }
  if (/^\p{M}/u.test(label)) throw new PreparationError('has a label that begins with a combining mark');
  refuseContext(label);
  if (!satisfiesBidiRule(label)) {
    throw new PreparationError('has a label that mixes directions of writing (RFC 5893)');
  }
}

/** An IPv6 address in brackets, with a zone if there is one (RFC 6874: after `%25`). */
function ipv6(text: string): string {
  const [, address = '', zone = ''] = /^\[([0-9a-fA-F:.]+)(%25[\w.~-]+)?\]$/.exec(text) ?? [];
  const url = `http://[${address}]`;
  if (!URL.canParse(url)) throw new PreparationError('has an invalid IPv6 address');
  return `${new URL(url).hostname.slice(0, -1)}${zone}]`;
}
