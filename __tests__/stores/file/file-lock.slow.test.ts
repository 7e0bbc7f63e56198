process.env['THOROUGH'] = '1';
await import('./file-lock.test.js');

export {};
