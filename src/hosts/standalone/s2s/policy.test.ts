import { describe, expect, it } from 'vitest';
import { createPolicy } from './policy.js';

type Settings = ReturnType<Parameters<typeof createPolicy>[0]>;

const open: Settings = {
  ...{ requireEncryption: true, secureAuth: false, secureDomains: [], insecureDomains: [] },
  ...{ allowedDomains: undefined, blockedDomains: [] },
};
const policyOf = (settings: Partial<Settings>) => createPolicy(() => ({ ...open, ...settings }));

describe('mayTalk', () => {
  it.each<[string, Partial<Settings>, readonly string[], readonly string[]]>([
    ['all', {}, ['example.net', 'bücher.example'], []],
    [
      'all but those that are blocked',
      { blockedDomains: ['bad.example'] },
      ['example', 'notbad.example', 'bad.example.net'],
      ['bad.example', 'chat.bad.example', 'a.b.bad.example'],
    ],
    [
      'those that are allowed',
      { allowedDomains: ['good.example'] },
      ['good.example', 'chat.good.example'],
      ['example', 'notgood.example', 'good.example.net'],
    ],
    ['nobody', { allowedDomains: [] }, [], ['example.net']],
    [
      'those that are allowed and not blocked',
      { allowedDomains: ['good.example'], blockedDomains: ['chat.good.example'] },
      ['good.example'],
      ['chat.good.example', 'a.chat.good.example'],
    ],
    ['no addresses', {}, [], ['192.0.2.1', '[2001:db8::1]']],
    [
      'addresses that are allowed, not as parts of others',
      { allowedDomains: ['192.0.2.1', '2.1', '[2001:db8::1]'] },
      ['192.0.2.1', '[2001:db8::1]', 'a.2.1'],
      ['192.0.2.2', '10.0.2.1', '[2001:db8::2]'],
    ],
    ['no addresses that are blocked', { blockedDomains: ['192.0.2.1'] }, [], ['192.0.2.1', '192.0.2.2']],
  ])('%s', (_, settings, may, mayNot) => {
    const policy = policyOf(settings);
    expect(may.filter((domain) => !policy.mayTalk(domain))).toEqual([]);
    expect(mayNot.filter(policy.mayTalk)).toEqual([]);
  });
});

describe('mustVerify', () => {
  it.each<[string, Partial<Settings>, readonly string[], readonly string[]]>([
    ['nobody', {}, [], ['example.net']],
    ['everybody', { secureAuth: true }, ['example.net'], []],
    [
      'everybody but exceptions',
      { secureAuth: true, insecureDomains: ['old.example'] },
      ['example.net'],
      ['old.example', 'chat.old.example'],
    ],
    [
      'those that are named, with those below them',
      { secureDomains: ['bank.example'] },
      ['bank.example', 'chat.bank.example'],
      ['example', 'riverbank.example'],
    ],
    [
      'those that are named below an exception',
      { secureAuth: true, insecureDomains: ['example'], secureDomains: ['bank.example'] },
      ['bank.example'],
      ['shop.example'],
    ],
  ])('%s', (_, settings, must, need) => {
    const policy = policyOf(settings);
    expect(must.filter((domain) => !policy.mustVerify(domain))).toEqual([]);
    expect(need.filter(policy.mustVerify)).toEqual([]);
  });
});

it('counts as it is at the moment', () => {
  let settings = open;
  const policy = createPolicy(() => settings);
  expect([policy.mayTalk('example.net'), policy.requireEncryption]).toEqual([true, true]);
  settings = { ...open, blockedDomains: ['example.net'], requireEncryption: false };
  expect([policy.mayTalk('example.net'), policy.requireEncryption]).toEqual([false, false]);
});
