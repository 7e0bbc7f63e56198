process.env['THOROUGH'] = '1';
await import('./random-trainings.test.js');

export {};
