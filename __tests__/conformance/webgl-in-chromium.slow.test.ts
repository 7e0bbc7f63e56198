process.env['THOROUGH'] = '1';
await import('./webgl-in-chromium.test.js');

export {};
