/** The extensions that this service implements; `docs/doap.xml` says the same. */
export const cloudNotifyExtensions = [{ xep: '0357', version: '0.4.1' }] as const;
