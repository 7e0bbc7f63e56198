export default {
  base: '/toys/',
  logLevel: 'error',
  // Minifying TensorFlow.js takes long, and is not what is tested.
  build: { minify: false },
};
