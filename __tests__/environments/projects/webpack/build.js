import { copyFileSync } from 'node:fs';
import webpack from 'webpack';

const compiler = webpack({
  mode: 'production',
  entry: './page.js',
  output: { path: `${import.meta.dirname}/dist`, filename: 'page.js' },
  // Minifying TensorFlow.js takes long, and is not what is tested.
  optimization: { minimize: false },
  performance: { hints: false },
});
compiler.run((error, stats) => {
  if (error) throw error;
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString('errors-warnings'));
  copyFileSync('index.html', 'dist/index.html');
});
