export default { base: '/toys/', logLevel: 'warn' };
