/** How long and how often there is something to measure. */
export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
}

/** Measures all rows in turn, round by round, so that they meet the same machine; after a short round that does not count. */
export async function measureInRounds<Row, Sample, Settings extends Rounds>(
  rows: readonly Row[],
  settings: Settings,
  sampleOf: (row: Row, settings: Settings) => Promise<Sample>,
): Promise<Map<Row, Sample[]>> {
  const samples = new Map<Row, Sample[]>();
  for (const row of rows) await sampleOf(row, { ...settings, seconds: Math.min(1, settings.seconds) });
  for (let round = 0; round < settings.rounds; round++) {
    for (const row of rows) {
      samples.set(row, [...(samples.get(row) ?? []), await sampleOf(row, settings)]);
    }
  }
  return samples;
}
