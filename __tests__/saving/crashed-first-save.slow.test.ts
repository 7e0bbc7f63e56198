process.env['THOROUGH'] = '1';
await import('./crashed-first-save.test.js');

export {};
