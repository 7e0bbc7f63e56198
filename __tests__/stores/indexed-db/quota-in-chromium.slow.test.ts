process.env['THOROUGH'] = '1';
await import('./quota-in-chromium.test.js');

export {};
