/** The extensions that this service implements; `docs/doap.xml` says the same. */
export const adHocExtensions = [{ xep: '0050', version: '1.3.0', note: 'commands of one form' }] as const;
