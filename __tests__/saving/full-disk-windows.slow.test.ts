process.env['THOROUGH'] = '1';
await import('./full-disk-windows.test.js');

export {};
