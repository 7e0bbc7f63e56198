process.env['THOROUGH'] = '1';
await import('./file-store-crashes.test.js');

export {};
