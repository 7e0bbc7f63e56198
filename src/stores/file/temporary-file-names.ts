import { randomBytes } from 'node:crypto';

const TEMPORARY_FILE = /^\.entropy-checkpoint\.[0-9a-f]{16}\.tmp$/;

export function newTemporaryFileName(): string {
  return `.entropy-checkpoint.${randomBytes(8).toString('hex')}.tmp`;
}

export function isTemporaryFile(name: string): boolean {
  return TEMPORARY_FILE.test(name);
}
