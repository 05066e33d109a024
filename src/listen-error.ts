import type { Config, ListenAddress } from './config/config.js';
import type { SettingName } from './config/schema.js';

/** An address that cannot be listened on, and the setting that it comes from. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** Node's: `EADDRINUSE`, `EACCES`, … */
  readonly code: string;
  readonly setting: SettingName;

  constructor(message: string, code: string, setting: SettingName) {
    super(message);
    this.code = code;
    this.setting = setting;
  }
}

/** Says which setting it was, if an error is that of listening somewhere; any other error stays as it is. */
export function explainListening(error: unknown, config: Config): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || error.syscall !== 'listen') return error;
  const port = 'port' in error ? error.port : undefined;
  const [setting] = listenSettings(config).find(([, address]) => address?.port === port) ?? ['http.listen'];
  return new ListenError(error.message, 'code' in error ? String(error.code) : '', setting);
}

function listenSettings({
  host,
  http,
}: Config): readonly (readonly [SettingName, ListenAddress | undefined])[] {
  const ports =
    host.kind === 'standalone'
      ? ([
          ['standalone.c2s', host.c2s],
          ['standalone.c2s_direct_tls', host.c2sDirectTls],
          ['standalone.s2s', host.s2s?.listen],
          ['standalone.s2s_direct_tls', host.s2s?.listenDirectTls],
          ['standalone.components.listen', host.components?.listen],
        ] as const)
      : [];
  return [...ports, ['http.listen', http.listen]];
}
