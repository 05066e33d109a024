import { describe, expect, it } from 'vitest';
import { createScram } from './scram.js';

/** The exchange of RFC 7677 §3. */
const vector = {
  user: 'user',
  password: 'pencil',
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

describe('SCRAM-SHA-256', () => {
  it('is that of RFC 7677', async () => {
    const scram = createScram(vector);
    expect(scram.first).toBe(vector.first);
    expect(await scram.respond(vector.serverFirst)).toBe(vector.final);
    expect(() => scram.verify(vector.serverFinal)).not.toThrow();
  });

  it.each([
    ['another signature', 'v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='],
    ['a short one', 'v=6rri'],
    ['none', ''],
    ['an error', 'e=other-error'],
  ])('does not take a server that proves itself with %s', async (_what, serverFinal) => {
    const scram = createScram(vector);
    await scram.respond(vector.serverFirst);
    expect(() => scram.verify(serverFinal)).toThrow('did not prove');
  });

  it('does not take a proof before there was a challenge', () => {
    expect(() => createScram(vector).verify(vector.serverFinal)).toThrow('did not prove');
  });

  it.each([
    ['a nonce of somebody else', 'r=another,s=W22Z,i=4096', 'malformed'],
    ['a nonce without a part of the server', `r=${vector.nonce},s=W22Z,i=4096`, 'malformed'],
    ['no salt', `r=${vector.nonce}x,i=4096`, 'malformed'],
    ['too few iterations', `r=${vector.nonce}x,s=W22Z,i=4095`, '4095 iterations'],
    ['too many', `r=${vector.nonce}x,s=W22Z,i=1000001`, '1000001 iterations'],
    ['a count that is none', `r=${vector.nonce}x,s=W22Z,i=many`, 'NaN iterations'],
    ['a mandatory extension', `m=x,r=${vector.nonce}x,s=W22Z,i=4096`, 'extension'],
  ])('refuses a challenge with %s', async (_what, challenge, message) => {
    await expect(createScram(vector).respond(challenge)).rejects.toThrow(message);
  });

  it('escapes the name, and makes a nonce', () => {
    expect(createScram({ user: 'a,b=c', password: 'x' }).first).toMatch(/^n,,n=a=2Cb=3Dc,r=[\w-]{24}$/);
  });

  it('says that it does not prepare passwords', () => {
    expect(() => createScram({ user: 'a', password: 'ä' })).toThrow('printable ASCII');
  });
});
