#!/usr/bin/env node
import type { Io } from './io.js';
import { run } from './program.js';
import { readNewPassword } from './read-password.js';

const io: Io = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  readNewPassword: () => readNewPassword(process.stdin, (text) => process.stderr.write(text)),
  script: process.argv[1],
  watchSignals,
};

function watchSignals(onHangup: () => void): Promise<string> {
  process.on('SIGHUP', onHangup);
  return new Promise((resolve) => {
    let isEnding = false;
    const end = (signal: string, number: number) => {
      if (isEnding) process.exit(128 + number);
      isEnding = true;
      resolve(signal);
    };
    process.on('SIGINT', () => end('SIGINT', 2));
    process.on('SIGTERM', () => end('SIGTERM', 15));
  });
}

// Whoever reads our output may stop reading: `belfry config schema | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await run(process.argv.slice(2), io);
