import { build } from 'esbuild';

const { warnings } = await build({
  entryPoints: ['page.js'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
});
if (warnings.length > 0) process.exitCode = 1;
