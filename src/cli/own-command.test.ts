import { describe, expect, it } from 'vitest';
import { ownCommand } from './own-command.js';

const words = ['user', 'add', 'you@example.org'];
const start = { script: '/usr/bin/belfry', cwd: '/home/ana', config: undefined };

describe('a command line to copy', () => {
  it('is short where the program is installed', () => {
    expect(ownCommand(words, start)).toBe('belfry user add you@example.org');
    expect(ownCommand(words, { ...start, script: undefined })).toBe('belfry user add you@example.org');
  });

  it('names the script in a checkout, as seen from the folder', () => {
    const script = '/home/ana/belfry/dist/cli/main.js';
    expect(ownCommand(words, { ...start, script, cwd: '/home/ana/belfry' })).toBe(
      'node dist/cli/main.js user add you@example.org',
    );
    expect(ownCommand(words, { ...start, script, cwd: '/srv' })).toBe(
      'node /home/ana/belfry/dist/cli/main.js user add you@example.org',
    );
  });

  it('has the same configuration', () => {
    expect(ownCommand(words, { ...start, config: '/etc/belfry/belfry.yaml' })).toBe(
      'belfry user add you@example.org --config /etc/belfry/belfry.yaml',
    );
  });

  it('survives a shell', () => {
    expect(ownCommand(['user'], { ...start, config: "it's mine.yaml" })).toBe(
      "belfry user --config 'it'\\''s mine.yaml'",
    );
  });
});
