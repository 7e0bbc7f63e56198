import { copyFileSync } from 'node:fs';
import commonjs from '@rollup/plugin-commonjs';
import resolve from '@rollup/plugin-node-resolve';

export default {
  input: ['page.js', 'worker.js'],
  output: { dir: 'dist' },
  // What any project with TensorFlow.js needs.
  plugins: [
    resolve({ browser: true }),
    commonjs(),
    { name: 'page', writeBundle: () => copyFileSync('index.html', 'dist/index.html') },
  ],
  onwarn({ code, message }) {
    // TensorFlow.js is the reason of that one.
    if (code !== 'THIS_IS_UNDEFINED') throw new Error(message);
  },
};
