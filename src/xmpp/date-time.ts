const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/**
 * Reads a DateTime of XEP-0082 §3.2 as Unix time in milliseconds, which is no whole number if the text is finer. Undefined
 * if it is none, or names a day that does not exist.
 */
export function parseDateTime(text: string): number | undefined {
  const [, seconds = '', fraction = '', zone = ''] = pattern.exec(text) ?? [];
  const whole = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(whole) || !isRealDay(seconds)) return undefined;
  return whole + Number(`0${fraction}`) * 1000;
}

/** `Date.parse` takes the 31st of February for a day in March. */
function isRealDay(dateTime: string): boolean {
  const day = dateTime.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) === day;
}
