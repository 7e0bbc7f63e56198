process.env['THOROUGH'] = '1';
await import('./file-store-failures.test.js');

export {};
