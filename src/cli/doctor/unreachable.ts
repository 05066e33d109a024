const remedies: Readonly<Record<string, string>> = {
  ENOTFOUND: 'The name has no address: add a DNS record, or correct http.public_url.',
  EAI_AGAIN: 'The name could not be looked up: check the DNS resolver of this machine.',
  ECONNREFUSED: 'Nothing listens there: start the reverse proxy, or correct http.public_url.',
  timeout: 'Check the firewall, and that this machine can reach its own public address.',
};

/** Why the public URL was not even connected to, and what helps; no remedy if that is not the trouble. */
export function explainUnreachable(error: Error): {
  readonly code: string;
  readonly remedy: string | undefined;
} {
  const code = 'code' in error ? String(error.code) : error.message;
  return { code, remedy: remedies[code] };
}
