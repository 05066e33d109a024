import { readAuthorities } from '../../net/authorities.js';
import type { Finding } from './finding.js';

/** What is wrong with the file of authorities that `setting` names, if it names one. */
export async function authoritiesFlaw(
  what: string,
  file: string | undefined,
  setting: string,
): Promise<Finding[]> {
  if (file === undefined) return [];
  try {
    await readAuthorities(file, setting);
    return [];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const remedy = 'remedy' in error ? { remedy: String(error.remedy) } : {};
    return [{ status: 'failed', what, text: error.message.replace(/\.$/, ''), ...remedy }];
  }
}
