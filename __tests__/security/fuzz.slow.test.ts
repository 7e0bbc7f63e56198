process.env['THOROUGH'] = '1';
await import('./fuzz.test.js');

export {};
