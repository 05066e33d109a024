import { StorageOpenError } from '../storage/errors.js';

/** Why a command could not do its work, in a sentence or two for the operator. */
export function explainFailure(error: unknown): string {
  if (error instanceof StorageOpenError) return `${error.message} ${error.remedy}`;
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  const isListening = 'syscall' in error && error.syscall === 'listen';
  if (isListening && code === 'EADDRINUSE') {
    return `${error.message}. Another program has the address: stop it, or change http.listen.`;
  }
  if (isListening && code === 'EACCES') {
    return `${error.message}. Ports below 1024 need a privilege: choose another in http.listen, behind a reverse proxy.`;
  }
  if (isListening) return `${error.message}. Check http.listen.`;
  return error.message;
}
