import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type InboundStep,
  inboundStep,
  type OutboundStep,
  outboundStep,
  type SubscriptionState,
  type SubscriptionType,
} from './subscription.js';

/** The nine states of RFC 6121 appendix A.1, by the RFC's names. */
const states = {
  None: { to: 'none', from: 'none' },
  'None + Pending Out': { to: 'pending', from: 'none' },
  'None + Pending In': { to: 'none', from: 'pending' },
  'None + Pending Out+In': { to: 'pending', from: 'pending' },
  To: { to: 'granted', from: 'none' },
  'To + Pending In': { to: 'granted', from: 'pending' },
  From: { to: 'none', from: 'granted' },
  'From + Pending Out': { to: 'pending', from: 'granted' },
  Both: { to: 'granted', from: 'granted' },
} as const;

type StateName = keyof typeof states;

const state = (name: StateName, isApproved = false): SubscriptionState => ({ ...states[name], isApproved });

/** State, whether it is routed, new state if it changes. */
type OutboundRow = readonly [StateName, 'yes' | 'no', StateName?];

/** RFC 6121 appendix A.2, all rows. */
const outboundTables: Readonly<Record<SubscriptionType, readonly OutboundRow[]>> = {
  // A.2.1
  subscribe: [
    ['None', 'yes', 'None + Pending Out'],
    ['None + Pending Out', 'yes'],
    ['None + Pending In', 'yes', 'None + Pending Out+In'],
    ['None + Pending Out+In', 'yes'],
    ['To', 'yes'],
    ['To + Pending In', 'yes'],
    ['From', 'yes', 'From + Pending Out'],
    ['From + Pending Out', 'yes'],
    ['Both', 'yes'],
  ],
  // A.2.2
  unsubscribe: [
    ['None', 'yes'],
    ['None + Pending Out', 'yes', 'None'],
    ['None + Pending In', 'yes'],
    ['None + Pending Out+In', 'yes', 'None + Pending In'],
    ['To', 'yes', 'None'],
    ['To + Pending In', 'yes', 'None + Pending In'],
    ['From', 'yes'],
    ['From + Pending Out', 'yes', 'From'],
    ['Both', 'yes', 'From'],
  ],
  // A.2.3; where nothing changes but pre-approval, see below
  subscribed: [
    ['None', 'no'],
    ['None + Pending Out', 'no'],
    ['None + Pending In', 'yes', 'From'],
    ['None + Pending Out+In', 'yes', 'From + Pending Out'],
    ['To', 'no'],
    ['To + Pending In', 'yes', 'Both'],
    ['From', 'no'],
    ['From + Pending Out', 'no'],
    ['Both', 'no'],
  ],
  // A.2.4
  unsubscribed: [
    ['None', 'no'],
    ['None + Pending Out', 'no'],
    ['None + Pending In', 'yes', 'None'],
    ['None + Pending Out+In', 'yes', 'None + Pending Out'],
    ['To', 'no'],
    ['To + Pending In', 'yes', 'To'],
    ['From', 'yes', 'None'],
    ['From + Pending Out', 'yes', 'None + Pending Out'],
    ['Both', 'yes', 'To'],
  ],
};

/** State, whether it is delivered, new state if it changes; `answered`: with `subscribed`, and not delivered. */
type InboundRow = readonly [StateName, 'yes' | 'no' | 'answered', StateName?];

/** RFC 6121 appendix A.3, all rows. */
const inboundTables: Readonly<Record<SubscriptionType, readonly InboundRow[]>> = {
  // A.3.1
  subscribe: [
    ['None', 'yes', 'None + Pending In'],
    ['None + Pending Out', 'yes', 'None + Pending Out+In'],
    ['None + Pending In', 'no'],
    ['None + Pending Out+In', 'no'],
    ['To', 'yes', 'To + Pending In'],
    ['To + Pending In', 'no'],
    ['From', 'answered'],
    ['From + Pending Out', 'answered'],
    ['Both', 'answered'],
  ],
  // A.3.2
  unsubscribe: [
    ['None', 'no'],
    ['None + Pending Out', 'no'],
    ['None + Pending In', 'yes', 'None'],
    ['None + Pending Out+In', 'yes', 'None + Pending Out'],
    ['To', 'no'],
    ['To + Pending In', 'yes', 'To'],
    ['From', 'yes', 'None'],
    ['From + Pending Out', 'yes', 'None + Pending Out'],
    ['Both', 'yes', 'To'],
  ],
  // A.3.3
  subscribed: [
    ['None', 'no'],
    ['None + Pending Out', 'yes', 'To'],
    ['None + Pending In', 'no'],
    ['None + Pending Out+In', 'yes', 'To + Pending In'],
    ['To', 'no'],
    ['To + Pending In', 'no'],
    ['From', 'no'],
    ['From + Pending Out', 'yes', 'Both'],
    ['Both', 'no'],
  ],
  // A.3.4
  unsubscribed: [
    ['None', 'no'],
    ['None + Pending Out', 'yes', 'None'],
    ['None + Pending In', 'no'],
    ['None + Pending Out+In', 'yes', 'None + Pending In'],
    ['To', 'yes', 'None'],
    ['To + Pending In', 'yes', 'None + Pending In'],
    ['From', 'no'],
    ['From + Pending Out', 'yes', 'From'],
    ['Both', 'yes', 'From'],
  ],
};

const types = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const;
const approvable: readonly StateName[] = ['None', 'None + Pending Out', 'To'];

describe.each(types)('outbound %s', (type) => {
  const rows = outboundTables[type].map(([name, routed, next = name]) => ({ name, routed, next }));
  it.each(rows)('$name: routed $routed, then $next', ({ name, routed, next }) => {
    const before = state(name);
    const step = outboundStep(type, before);
    expect(step.isRouted).toBe(routed === 'yes');
    const isApproved = type === 'subscribed' && approvable.includes(name);
    expect(step.state).toEqual(state(next, isApproved));
    if (next === name && !isApproved) expect(step.state).toBe(before);
  });
});

describe.each(types)('inbound %s', (type) => {
  const rows = inboundTables[type].map(([name, delivered, next = name]) => ({ name, delivered, next }));
  it.each(rows)('$name: delivered $delivered, then $next', ({ name, delivered, next }) => {
    const before = state(name);
    const step = inboundStep(type, before);
    expect(step.isDelivered).toBe(delivered === 'yes');
    expect(step.isAnswered).toBe(delivered === 'answered');
    expect(step.state).toEqual(state(next));
    if (next === name) expect(step.state).toBe(before);
  });
});

it('the tables have each state once', () => {
  for (const type of types) {
    expect(outboundTables[type].map(([name]) => name)).toEqual(Object.keys(states));
    expect(inboundTables[type].map(([name]) => name)).toEqual(Object.keys(states));
  }
});

describe('pre-approval (RFC 6121 §3.4)', () => {
  it.each(approvable)('is noted once in %s and not routed', (name) => {
    const first = outboundStep('subscribed', state(name));
    expect(first).toEqual({ state: state(name, true), isRouted: false });
    const second = outboundStep('subscribed', first.state);
    expect(second).toEqual({ state: first.state, isRouted: false });
    expect(second.state).toBe(first.state);
  });

  it.each([
    ['None', 'From'],
    ['None + Pending Out', 'From + Pending Out'],
    ['To', 'Both'],
  ] as const)('answers a request in %s at once, and lasts', (name, next) => {
    expect(inboundStep('subscribe', state(name, true))).toEqual({
      state: state(next, true),
      isDelivered: false,
      isAnswered: true,
    });
  });

  it.each(approvable)('is taken back in %s, and that is not routed', (name) => {
    expect(outboundStep('unsubscribed', state(name, true))).toEqual({ state: state(name), isRouted: false });
  });

  it('is taken back together with the subscription', () => {
    expect(outboundStep('unsubscribed', state('Both', true))).toEqual({ state: state('To'), isRouted: true });
  });

  it('outlives the subscription that the contact ends', () => {
    expect(inboundStep('unsubscribe', state('From', true)).state).toEqual(state('None', true));
  });
});

/** Two accounts, and what is under way between them in order. */
class Pair {
  readonly states = [state('None'), state('None')];
  readonly underWay: SubscriptionType[][] = [[], []];

  send(who: number, type: SubscriptionType): void {
    const step: OutboundStep = outboundStep(type, this.of(who));
    this.states[who] = step.state;
    if (step.isRouted) this.underWay[1 - who]?.push(type);
  }

  receive(who: number): void {
    const type = this.underWay[who]?.shift();
    if (type === undefined) return;
    const step: InboundStep = inboundStep(type, this.of(who));
    this.states[who] = step.state;
    if (step.isAnswered) this.underWay[1 - who]?.push('subscribed');
  }

  settle(): void {
    while (this.underWay.some((queue) => queue.length > 0)) {
      this.receive(0);
      this.receive(1);
    }
  }

  of(who: number): SubscriptionState {
    return this.states[who] ?? state('None');
  }

  /** What one has of the other is what the other gives. */
  expectAgreement(): void {
    expect([this.of(0).to, this.of(0).from]).toEqual([this.of(1).from, this.of(1).to]);
  }
}

const operation = fc.record({ who: fc.nat(1), type: fc.constantFrom(...types) });

describe('two accounts', () => {
  it('agree after each of any operations', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
        const pair = new Pair();
        for (const { who, type } of operations) {
          pair.send(who, type);
          pair.settle();
          pair.expectAgreement();
        }
      }),
    );
  });

  it('can end, whatever met whatever on the way, all that was between them', () => {
    const arrival = fc.record({ who: fc.nat(1), type: fc.constant(undefined) });
    fc.assert(
      fc.property(fc.array(fc.oneof(operation, arrival), { maxLength: 40 }), (steps) => {
        const pair = new Pair();
        for (const { who, type } of steps) {
          if (type === undefined) pair.receive(who);
          else pair.send(who, type);
        }
        pair.settle();
        for (const who of [0, 1]) {
          pair.send(who, 'unsubscribe');
          pair.settle();
        }
        pair.expectAgreement();
        expect([pair.of(0).to, pair.of(1).to]).toEqual(['none', 'none']);
      }),
    );
  });
});
