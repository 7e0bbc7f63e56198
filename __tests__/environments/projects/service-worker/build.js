import { copyFileSync } from 'node:fs';
import { build } from 'esbuild';

// As an extension of the third manifest needs it: one file, no import().
const { warnings } = await build({
  entryPoints: ['service-worker.js'],
  outdir: 'dist',
  bundle: true,
  format: 'iife',
});
copyFileSync('index.html', 'dist/index.html');
if (warnings.length > 0) process.exitCode = 1;
