import type { Events } from '../../../observability/events.js';
import type { Certificate } from './certificate.js';

/** The certificate in use, which can be read again while the server runs. */
export interface CertificateHolder {
  current(): Certificate;
  /** Reads it again. One that cannot be used leaves the former in its place: then false. Never rejects. */
  reload(): Promise<boolean>;
}

export interface CertificateHolderOptions {
  readonly load: () => Promise<Certificate>;
  readonly events: Pick<Events, 'certificateLoaded' | 'certificateRejected'>;
}

/** Loads the certificate for the first time; the promise rejects as `load` does if it cannot be used. */
export async function createCertificateHolder({
  load,
  events,
}: CertificateHolderOptions): Promise<CertificateHolder> {
  const loadAndTell = async () => {
    const certificate = await load();
    events.certificateLoaded({
      names: certificate.names,
      until: certificate.until,
      problems: certificate.problems.map(({ text }) => text),
    });
    return certificate;
  };
  let current = await loadAndTell();
  const loadAgain = async () => {
    try {
      current = await loadAndTell();
      return true;
    } catch (error) {
      events.certificateRejected({ reason: explain(error) });
      return false;
    }
  };
  let last: Promise<boolean> = Promise.resolve(true);
  return {
    current: () => current,
    // One after another, so that the files as they are last count.
    reload() {
      last = last.then(loadAgain);
      return last;
    },
  };
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'remedy' in error ? `${error.message} ${error.remedy}` : error.message;
}
