process.env['THOROUGH'] = '1';
await import('./records.test.js');

export {};
