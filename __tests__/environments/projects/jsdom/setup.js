const { TextDecoder, TextEncoder } = require('node:util');

// jsdom has neither, and TensorFlow.js needs them.
Object.assign(globalThis, { TextDecoder, TextEncoder });
