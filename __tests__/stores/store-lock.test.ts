import { beforeEach, describe, expect, it } from '@jest/globals';
import { StoreLock, type Release } from '../../src/stores/store-lock.js';
import { rejection } from '../support/errors.js';

let key: object;
let log: string[];

beforeEach(() => {
  key = {};
  log = [];
});

const makeLock = (acquireOuterLock?: () => Promise<Release | null>): StoreLock =>
  new StoreLock('a location', key, acquireOuterLock);

/** An action that takes several turns of the event loop, and logs when it begins and ends. */
const logged = (name: string) => async (): Promise<void> => {
  log.push(`${name} begins`);
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
  log.push(`${name} ends`);
};

/** An outer lock that logs, slowly, when it is acquired and released. */
function slowOuterLock(): () => Promise<Release> {
  return async () => {
    await logged('acquire')();
    return logged('release');
  };
}

describe('StoreLock.run', () => {
  it('runs the actions of alternating locks on one location one after the other', async () => {
    const [one, other] = [makeLock(slowOuterLock()), makeLock(slowOuterLock())];
    await Promise.all([one.run(logged('1')), other.run(logged('2')), one.run(logged('3'))]);
    const names = ['acquire', '1', 'release', 'acquire', '2', 'release', 'acquire', '3', 'release'];
    expect(log).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('keeps the outer lock between actions of one lock', async () => {
    const one = makeLock(slowOuterLock());
    await Promise.all([one.run(logged('1')), one.run(logged('2'))]);
    const names = ['acquire', '1', '2', 'release'];
    expect(log).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('does not wait for actions on another location', async () => {
    const other = new StoreLock('another location', {});
    const begun = makeLock().run(() => new Promise(() => undefined));
    await other.run(logged('other'));
    expect(log).toHaveLength(2);
    void begun;
  });

  it('runs actions begun before another lock opens, and refuses later ones', async () => {
    const [one, other] = [makeLock(), makeLock()];
    const saves = [one.run(logged('1')), other.run(logged('2')), one.run(logged('3'))];
    await other.open(logged('open'));
    await Promise.all(saves);
    expect((await rejection(one.run(logged('4')))).code).toBe('ENTROPY_STORE_IN_USE');
    expect(log.at(-1)).toBe('open ends');
    other.close();
    await one.run(logged('5'));
  });

  it('is refused at once while another lock is open, without waiting for its actions', async () => {
    const [one, other] = [makeLock(), makeLock()];
    await one.open(logged('open'));
    const endless = one.run(() => new Promise(() => undefined));
    expect((await rejection(other.open(logged('other')))).code).toBe('ENTROPY_STORE_IN_USE');
    void endless;
  });
});

describe('StoreLock.open', () => {
  it('is released after `close`, once everything begun has ended', async () => {
    const one = makeLock(slowOuterLock());
    await one.open(logged('open'));
    const save = one.run(logged('save'));
    one.close();
    await makeLock(slowOuterLock()).open(logged('other'));
    await save;
    const names = ['acquire', 'open', 'save', 'release', 'acquire', 'other'];
    expect(log).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('is released if it is closed while it opens', async () => {
    const one = makeLock();
    const opening = one.open(logged('open'));
    one.close();
    await opening;
    await makeLock().open(logged('other'));
  });

  it('holds the lock again when it is closed and opened at once', async () => {
    const [one, other] = [makeLock(), makeLock()];
    await one.open(logged('open'));
    one.close();
    await one.open(logged('again'));
    expect((await rejection(other.open(logged('other')))).code).toBe('ENTROPY_STORE_IN_USE');
  });

  it('releases the lock if the preparation fails', async () => {
    const error = new Error('no');
    await expect(makeLock().open(() => Promise.reject(error))).rejects.toBe(error);
    await makeLock().open(logged('other'));
  });

  it('is refused while another thread holds the outer lock, and succeeds later', async () => {
    let isFree = false;
    const one = makeLock(() => Promise.resolve(isFree ? logged('release') : null));
    const error = await rejection(one.open(logged('open')));
    expect(error.code).toBe('ENTROPY_STORE_IN_USE');
    expect(error.message).toContain('in another tab or worker');
    isFree = true;
    await one.open(logged('open'));
  });

  it('passes on an error of the outer lock', async () => {
    const cause = new Error('The document is not active.');
    await expect(makeLock(() => Promise.reject(cause)).open(logged('open'))).rejects.toBe(cause);
    await makeLock().open(logged('other'));
  });
});

describe('StoreLock.settled', () => {
  it('waits for actions that succeed or fail', async () => {
    const [one, other] = [makeLock(), makeLock()];
    await other.settled();
    const failing = one.run(async () => {
      await logged('1')();
      throw new Error('no');
    });
    await other.settled();
    expect(log).toEqual(['1 begins', '1 ends']);
    await expect(failing).rejects.toThrow('no');
  });
});
