import type { Config, StandaloneConfig } from '../../config/config.js';
import { configFile, loadConfig } from '../../config/load.js';
import { explainListening } from '../../listen-error.js';
import { readServerTime } from '../../storage/server-time.js';
import { checkCertificate } from '../doctor/certificate.js';
import { type ClockReading, checkClock, httpClock } from '../doctor/clock.js';
import { checkComponent } from '../doctor/component.js';
import { checkConfiguration } from '../doctor/configuration.js';
import { checkFederation } from '../doctor/federation.js';
import { type Finding, formatFinding } from '../doctor/finding.js';
import { checkGateway } from '../doctor/gateway.js';
import { httpGet } from '../doctor/http-get.js';
import { checkListeners } from '../doctor/listeners.js';
import { checkPublicUrl, probeUrl } from '../doctor/public-url.js';
import { findRunning, type RunningBelfry } from '../doctor/running.js';
import { type StandIn, startStandIn } from '../doctor/stand-in.js';
import { checkStorage } from '../doctor/storage.js';
import { checkTls } from '../doctor/tls.js';
import { checkWebPush } from '../doctor/web-push.js';
import { explainFailure } from '../explain-failure.js';
import type { ConfigOption, Io } from '../io.js';

/** `belfry doctor`: checks what operators get wrong, a line for each. Answers 1 if anything failed. */
export async function doctor({ config: file }: ConfigOption, io: Io): Promise<number> {
  const options = { ...io.load, file };
  const config = loadConfig(options);
  let exitCode = 0;
  const report = (findings: readonly Finding[]) => {
    for (const finding of findings) {
      io.out(formatFinding(finding));
      if (finding.status === 'failed') exitCode = 1;
    }
  };
  report(checkConfiguration(config, configFile(options)));
  report(await checkStorage(config));
  const running = await findRunning(config.http.listen);
  report(await checkHost(config, running));
  report(await checkBrowsers(config));
  const { findings, clock } = await checkHttp(config, running);
  report(findings);
  report([await checkTls(config.http.publicUrl, Date.now())]);
  report(checkClock([...clock, ...(await databaseClock(config))]));
  return exitCode;
}

function checkHost(config: Config, running: RunningBelfry | undefined): Promise<Finding[]> {
  const { host } = config;
  return host.kind === 'component'
    ? checkComponent(host, config, running)
    : checkStandalone(host, config, running);
}

/** Those who have something to say to browsers: the gateway, and the server that this is. */
async function checkBrowsers(config: Config): Promise<Finding[]> {
  const isNeeded = config.host.kind === 'standalone' || config.gateway !== undefined;
  return [...(await checkGateway(config)), ...(isNeeded ? await checkWebPush(config) : [])];
}

async function checkStandalone(
  host: StandaloneConfig,
  config: Config,
  running: RunningBelfry | undefined,
): Promise<Finding[]> {
  const listeners = await checkListeners(host, running);
  const certificate = await checkCertificate(host, config, Date.now());
  const federation = await checkFederation(host);
  return [...listeners, ...certificate, ...federation];
}

interface HttpFindings {
  readonly findings: readonly Finding[];
  readonly clock: readonly ClockReading[];
}

/** Asks the public URL, with a stand-in listening where Belfry would, if it is not running. */
async function checkHttp(config: Config, running: RunningBelfry | undefined): Promise<HttpFindings> {
  if (running !== undefined) return askPublicUrl(config, running.instance);
  let standIn: StandIn;
  try {
    standIn = await startStandIn(config.http);
  } catch (error) {
    const text = `no Belfry answers there, and the address cannot be had: ${explainFailure(explainListening(error, config))}`;
    return { findings: [{ status: 'failed', what: 'http.listen', text }], clock: [] };
  }
  try {
    return await askPublicUrl(config, standIn.instance);
  } finally {
    await standIn.stop();
  }
}

async function askPublicUrl(config: Config, instance: string): Promise<HttpFindings> {
  const url = probeUrl(config.http);
  const result = await httpGet(url);
  const reading = httpClock(url.host, result);
  return {
    findings: [checkPublicUrl(config, result, instance)],
    clock: reading === undefined ? [] : [reading],
  };
}

async function databaseClock({ storage }: Config): Promise<ClockReading[]> {
  if (storage.kind !== 'postgres') return [];
  try {
    const theirs = await readServerTime(storage.url, { events: { storageFailed() {} } });
    return [{ of: 'the database', theirs, ours: Date.now() }];
  } catch {
    // The storage check has said why already.
    return [];
  }
}
