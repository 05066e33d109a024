/** No service means more. */
const longest = 2 ** 31;

/** `Sun, 06 Nov 1994 08:49:37 GMT`, and the two older forms that have to be understood (RFC 9110 §5.6.7). */
const httpDate =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:[a-z]*, \d\d[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d GMT| [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})$/;

/**
 * The seconds from `now` (Unix milliseconds) that a `Retry-After` header asks for (RFC 9110 §10.2.3): a number or a date, 0 for
 * one that is over; undefined for anything else.
 */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  const value = text?.trim() ?? '';
  if (/^\d+$/.test(value)) return Math.min(Number(value), longest);
  if (!httpDate.test(value)) return undefined;
  // The oldest form names no zone; it is in GMT as the others are.
  const at = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000));
}
