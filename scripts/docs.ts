/** Builds the documentation site with the live page in its folder `demo`: `npm run docs`, to `site/` or to a named folder. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { buildPage } from '../examples/browser/static-site.js';

const ROOT = resolve(import.meta.dirname, '..');
const [folder = join(ROOT, 'site')] = process.argv.slice(2);

const typedoc = join(ROOT, 'node_modules/typedoc/bin/typedoc');
// typedoc.json makes every warning an error.
execFileSync(process.execPath, [typedoc, '--out', folder, '--logLevel', 'Warn'], {
  cwd: ROOT,
  stdio: 'inherit',
});
// Afterwards: typedoc empties its folder.
await buildPage(join(folder, 'demo'));
