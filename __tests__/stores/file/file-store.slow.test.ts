process.env['THOROUGH'] = '1';
await import('./file-store.test.js');

export {};
