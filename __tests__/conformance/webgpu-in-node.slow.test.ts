process.env['THOROUGH'] = '1';
await import('./webgpu-in-node.test.js');

export {};
