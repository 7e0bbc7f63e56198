const { realpathSync } = require('node:fs');
const { dirname, join } = require('node:path');

module.exports = {
  projectRoot: __dirname,
  // TensorFlow.js is linked from there.
  watchFolders: [dirname(dirname(dirname(realpathSync(join(__dirname, 'node_modules/@tensorflow/tfjs')))))],
  resolver: { unstable_enableSymlinks: true },
  // What Babel's preset of React Native does.
  transformer: {
    getTransformOptions: async () => ({ transform: { experimentalImportSupport: true } }),
  },
};
