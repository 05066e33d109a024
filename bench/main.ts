/** A benchmark prints its own table; `args` is what follows its name on the command line. */
interface Benchmark {
  run(args: readonly string[]): Promise<void>;
}

const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  push: () => import('./push.js'),
  'push-service': () => import('./push-service.js'),
  parser: () => import('./parser.js'),
  tokens: () => import('./tokens.js'),
  sessions: () => import('./sessions.js'),
  messages: () => import('./messages.js'),
  resume: () => import('./resume.js'),
  notify: () => import('./notify.js'),
  http: () => import('./http.js'),
  storage: () => import('./storage.js'),
  archive: () => import('./archive.js'),
  webpush: () => import('./webpush.js'),
  gateway: () => import('./gateway.js'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
if (load === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(benchmarks).join('|')} [options]\n`);
  process.exitCode = 2;
} else {
  await (await load()).run(args);
}
