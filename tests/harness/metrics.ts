/** The metrics of a running Belfry, as Prometheus reads them. */
export async function metricsOf(httpBase: string): Promise<string> {
  const response = await fetch(`${httpBase}/metrics`);
  return response.text();
}

/** A value of them; undefined if there is none by that name and those labels. */
export async function metricOf(httpBase: string, name: string): Promise<number | undefined> {
  const lines = (await metricsOf(httpBase)).split('\n');
  const value = lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  return value === undefined ? undefined : Number(value);
}
