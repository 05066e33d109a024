// Builds dist/ when it is absent or older than a source file: what `npm start` and `npm run bench` need.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = `${root}dist/cli/main.js`;
const newestSource = () =>
  Math.max(
    ...readdirSync(`${root}src`, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs),
  );

if (!existsSync(built) || statSync(built).mtimeMs < newestSource()) await import('./build.mjs');
