import { InvalidArgumentError } from 'commander';

/** A parser of the flag `--redis`. */
export function redisUrl(value: string): string {
  if (/^rediss?:\/\/[^/]+/.test(value) && URL.canParse(value)) return value;
  throw new InvalidArgumentError('Expected a URL such as redis://127.0.0.1:6379.');
}
