const encoder = new TextEncoder();

/** Rounds that a server may ask for: fewer protect the password too little (RFC 7677 §4), more would hang the page. */
const minRounds = 4_096;
const maxRounds = 1_000_000;

/**
 * The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding, which browsers do not have. The password never
 * leaves it. Each message is to be base64 on the wire.
 * @param {{ user: string, password: string, nonce?: string }} options `nonce`: of this client, for tests.
 */
export function createScram({ user, password, nonce = randomNonce() }) {
  const bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  let signature = '';
  return {
    first: `n,,${bare}`,
    /** Answers the server's first message. Rejects if it is not one. @param {string} challenge */
    async respond(challenge) {
      const { serverNonce, salt, rounds } = readChallenge(challenge, nonce);
      const final = `c=biws,r=${serverNonce}`;
      const message = `${bare},${challenge},${final}`;
      const salted = await saltPassword(password.normalize('NFKC'), salt, rounds);
      const clientKey = await hmac(salted, 'Client Key');
      const storedKey = new Uint8Array(await crypto.subtle.digest('SHA-256', clientKey));
      const proof = xor(clientKey, await hmac(storedKey, message));
      signature = toBase64(await hmac(await hmac(salted, 'Server Key'), message));
      return `${final},p=${toBase64(proof)}`;
    },
    /** Throws if whoever let us in does not know the password's keys. @param {string} success */
    verify(success) {
      if (signature === '' || fieldsOf(success).get('v') !== signature) {
        throw new Error('The server could not prove that it knows the account.');
      }
    },
  };
}

/** @param {string} challenge @param {string} nonce */
function readChallenge(challenge, nonce) {
  const fields = fieldsOf(challenge);
  const serverNonce = fields.get('r') ?? '';
  const rounds = Number(fields.get('i'));
  const isFresh = serverNonce.length > nonce.length && serverNonce.startsWith(nonce);
  if (!isFresh || fields.has('m')) throw new Error('The server does not speak SCRAM as it should.');
  if (!(rounds >= minRounds && rounds <= maxRounds)) {
    throw new Error(`The server asks for ${fields.get('i')} rounds, which is too few or too many.`);
  }
  return { serverNonce, salt: fromBase64(fields.get('s') ?? ''), rounds };
}

/** @param {string} message */
function fieldsOf(message) {
  return new Map(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));
}

/** @param {string} password @param {Uint8Array<ArrayBuffer>} salt @param {number} iterations */
async function saltPassword(password, salt, iterations) {
  const key = await crypto.subtle.importKey('raw', encoder.encode(password), 'PBKDF2', false, ['deriveBits']);
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256),
  );
}

/** @param {Uint8Array<ArrayBuffer>} key @param {string} text */
async function hmac(key, text) {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text)));
}

/** @param {Uint8Array} left @param {Uint8Array} right */
const xor = (left, right) => left.map((byte, at) => byte ^ (right[at] ?? 0));

const randomNonce = () => toBase64(crypto.getRandomValues(new Uint8Array(18)));

/** @param {Uint8Array} bytes */
const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** @param {string} text */
const fromBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
