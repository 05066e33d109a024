import { ListenError } from '../listen-error.js';

/** Why a command could not do its work, in a sentence or two for the operator. */
export function explainFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ListenError) return `${error.message}. ${listenRemedy(error)}`;
  const remedy = 'remedy' in error ? error.remedy : undefined;
  return typeof remedy === 'string' ? `${error.message} ${remedy}` : error.message;
}

function listenRemedy({ code, setting }: ListenError): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Another program has the address: stop it, or change ${setting}.`;
    case 'EACCES':
      return setting === 'http.listen'
        ? 'Ports below 1024 need a privilege: choose another in http.listen, behind a reverse proxy.'
        : `Ports below 1024 need a privilege: choose another in ${setting}.`;
    default:
      return `Check ${setting}.`;
  }
}
