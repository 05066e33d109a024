import type { ComponentConfig, Config } from '../../config/config.js';
import { type ProbeResult, probeComponent } from '../../hosts/component/probe.js';
import type { Finding } from './finding.js';
import type { RunningBelfry } from './running.js';

const what = 'component';

/**
 * Whether the XMPP server takes the component, at each of its names. If a running Belfry is connected, its word counts: a second connection
 * would conflict with it, or take stanzas from it.
 */
export async function checkComponent(
  host: ComponentConfig,
  { unifiedPush, gateway }: Pick<Config, 'unifiedPush' | 'gateway'>,
  running: RunningBelfry | undefined,
  probe: typeof probeComponent = probeComponent,
): Promise<Finding[]> {
  if (running?.isConnected === true) {
    return [{ status: 'ok', what, text: `the running Belfry is connected as ${host.jid}` }];
  }
  const findings: Finding[] = [];
  const jids = [host.jid, unifiedPush.jid, ...(gateway === undefined ? [] : [gateway.jid])];
  for (const jid of new Map(jids.map((one) => [one.domain, one])).values()) {
    findings.push(describe(String(jid), await probe({ jid, connect: host.connect, secret: host.secret })));
  }
  return findings;
}

function describe(jid: string, result: ProbeResult): Finding {
  if (result.ok) return { status: 'ok', what, text: `the XMPP server takes ${jid}` };
  const { reason, remedy } = result.failure;
  return { status: 'failed', what, text: reason, ...(remedy === undefined ? {} : { remedy }) };
}
