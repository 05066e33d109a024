import { describe, expect, it } from 'vitest';
import { createScram } from './scram.js';

/** RFC 7677 §3. */
const example = {
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  challenge: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  success: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};
const scram = () => createScram({ user: 'user', password: 'pencil', nonce: example.nonce });

describe('createScram', () => {
  it('says what the example of RFC 7677 says', async () => {
    const exchange = scram();
    expect(exchange.first).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    expect(await exchange.respond(example.challenge)).toBe(example.final);
    expect(() => exchange.verify(example.success)).not.toThrow();
  });

  it.each(['', 'v=', 'v=AAAA', 'e=other-error'])(
    'does not believe a server that says %j',
    async (success) => {
      const exchange = scram();
      await exchange.respond(example.challenge);
      expect(() => exchange.verify(success)).toThrow('could not prove');
    },
  );

  it('does not believe a server that skips the challenge', () => {
    expect(() => scram().verify('v=')).toThrow('could not prove');
  });

  it.each([
    ['another nonce', example.challenge.replace('r=rOpr', 'r=xOpr')],
    ['our own nonce alone', `r=${example.nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`],
    ['an extension that it must know', `m=x,${example.challenge}`],
    ['too few rounds', example.challenge.replace('4096', '1')],
    ['too many', example.challenge.replace('4096', '4096000')],
    ['none', example.challenge.replace('i=4096', '')],
  ])('refuses a challenge with %s', async (_, challenge) => {
    await expect(scram().respond(challenge)).rejects.toThrow(/SCRAM|rounds/);
  });

  it('escapes names, and makes a nonce of its own each time', () => {
    const [one, other] = [1, 2].map(() => createScram({ user: 'a=b,c', password: 'x' }).first);
    expect(one).toMatch(/^n,,n=a=3Db=2Cc,r=[\w+/]{24}$/);
    expect(one).not.toBe(other);
  });
});
