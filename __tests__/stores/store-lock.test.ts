import { beforeEach, describe, expect, test } from '@jest/globals';
import { StoreLock, type Release } from '../../src/stores/store-lock.js';
import { rejection } from '../support/errors.js';

let key: object;
let log: string[];

beforeEach(() => {
  key = {};
  log = [];
});

const claim = (lock?: () => Promise<Release | null>): StoreLock => new StoreLock('a place', key, lock);

/** Takes several turns of the event loop. */
const logged = (name: string) => async (): Promise<void> => {
  log.push(`${name} begins`);
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
  log.push(`${name} ends`);
};

/** A lock that takes its time, and tells how often it is taken. */
function slowLock(): () => Promise<Release> {
  return async () => {
    await logged('lock')();
    return logged('release');
  };
}

describe('turns', () => {
  test('of several claims of one place come one after the other, also when they alternate', async () => {
    const [one, other] = [claim(slowLock()), claim(slowLock())];
    await Promise.all([one.run(logged('1')), other.run(logged('2')), one.run(logged('3'))]);
    const names = ['lock', '1', 'release', 'lock', '2', 'release', 'lock', '3', 'release'];
    expect(log).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  test('of one claim keep the lock between them', async () => {
    const one = claim(slowLock());
    await Promise.all([one.run(logged('1')), one.run(logged('2'))]);
    const names = ['lock', '1', '2', 'release'];
    expect(log).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  test('of other places do not wait', async () => {
    const other = new StoreLock('another place', {});
    const begun = claim().run(() => new Promise(() => undefined));
    await other.run(logged('other'));
    expect(log).toHaveLength(2);
    void begun;
  });

  test('that were begun before another claim opens are made, and those after are refused', async () => {
    const [one, other] = [claim(), claim()];
    const saves = [one.run(logged('1')), other.run(logged('2')), one.run(logged('3'))];
    await other.open(logged('open'));
    await Promise.all(saves);
    expect((await rejection(one.run(logged('4')))).code).toBe('ENTROPY_STORE_IN_USE');
    expect(log.at(-1)).toBe('open ends');
    other.close();
    await one.run(logged('5'));
  });

  test('are refused at once while another claim is open, and not when its save has ended', async () => {
    const [one, other] = [claim(), claim()];
    await one.open(logged('open'));
    const endless = one.run(() => new Promise(() => undefined));
    expect((await rejection(other.open(logged('other')))).code).toBe('ENTROPY_STORE_IN_USE');
    void endless;
  });
});

describe('a claim', () => {
  test('that is closed is given back when what it has begun has ended', async () => {
    const one = claim(slowLock());
    await one.open(logged('open'));
    const save = one.run(logged('save'));
    one.close();
    await claim(slowLock()).open(logged('other'));
    await save;
    const names = ['lock', 'open', 'save', 'release', 'lock', 'other'];
    expect(log).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  test('that is closed while it opens is given back', async () => {
    const one = claim();
    const opening = one.open(logged('open'));
    one.close();
    await opening;
    await claim().open(logged('other'));
  });

  test('that is closed and opened again at once is the one that has the place', async () => {
    const [one, other] = [claim(), claim()];
    await one.open(logged('open'));
    one.close();
    await one.open(logged('again'));
    expect((await rejection(other.open(logged('other')))).code).toBe('ENTROPY_STORE_IN_USE');
  });

  test('whose preparation fails is given back', async () => {
    const error = new Error('no');
    await expect(claim().open(() => Promise.reject(error))).rejects.toBe(error);
    await claim().open(logged('other'));
  });

  test('that others hold is refused, and can be had later', async () => {
    let isFree = false;
    const one = claim(() => Promise.resolve(isFree ? logged('release') : null));
    const error = await rejection(one.open(logged('open')));
    expect(error.code).toBe('ENTROPY_STORE_IN_USE');
    expect(error.message).toContain('in another tab or worker');
    isFree = true;
    await one.open(logged('open'));
  });

  test('whose lock cannot be asked for says why', async () => {
    const cause = new Error('The document is not active.');
    await expect(claim(() => Promise.reject(cause)).open(logged('open'))).rejects.toBe(cause);
    await claim().open(logged('other'));
  });
});

test('what is settled has ended, in whatever way', async () => {
  const [one, other] = [claim(), claim()];
  await other.settled();
  const failing = one.run(async () => {
    await logged('1')();
    throw new Error('no');
  });
  await other.settled();
  expect(log).toEqual(['1 begins', '1 ends']);
  await expect(failing).rejects.toThrow('no');
});
