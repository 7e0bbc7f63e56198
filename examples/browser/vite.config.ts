import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { mnistAsset } from './mnist-asset.js';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export default defineConfig({
  root: import.meta.dirname,
  // Relative: the page works in any folder of a static server.
  base: './',
  resolve: {
    alias: [
      { find: /^tfjs-entropy-checkpoint$/, replacement: fromRoot('src/index.ts') },
      { find: /^#platform$/, replacement: fromRoot('src/stores/browser-stores.ts') },
    ],
  },
  plugins: [mnistAsset()],
  build: {
    target: 'es2022',
    // TensorFlow.js and ECharts are large. ECharts is loaded for a report.
    chunkSizeWarningLimit: 3000,
  },
});
