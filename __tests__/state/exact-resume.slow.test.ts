process.env['THOROUGH'] = '1';
await import('./exact-resume.test.js');

export {};
