import { copyFileSync } from 'node:fs';
import { build } from 'esbuild';

const { warnings } = await build({
  entryPoints: ['page.js', 'worker.js'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
});
copyFileSync('index.html', 'dist/index.html');
if (warnings.length > 0) process.exitCode = 1;
