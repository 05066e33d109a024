/** Seconds after which nobody rings any more who was called. */
const callTtl = 60;

/** Seconds for which a message is of use. `usual`: one that is no call. */
export function messageTtl(isCall: boolean, usual: number): number {
  return isCall ? Math.min(callTtl, usual) : usual;
}
