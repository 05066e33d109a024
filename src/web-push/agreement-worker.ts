import { Worker } from 'node:worker_threads';
import { type Agreement, pointBytes } from './agreement.js';

/** What an agreement takes in an answer: the sender's public key, and the secret. */
const agreementBytes = pointBytes + 32;

interface Batch {
  resolve(agreements: readonly (Agreement | undefined)[]): void;
  reject(error: Error): void;
}

/** A thread that makes agreements, most of the work of encryption. */
export interface AgreementThread {
  /** How many batches it has not answered. */
  readonly underWay: number;
  /** An agreement with each public key (65 bytes), undefined where there can be none. Rejects if the thread ends before. */
  agree(p256dhs: readonly Uint8Array[]): Promise<readonly (Agreement | undefined)[]>;
  stop(): Promise<void>;
}

/**
 * Keeps the process alive only while it works. The thread gets its program as text, and so is the same wherever this file was
 * compiled to, or was not.
 */
export class AgreementWorker implements AgreementThread {
  readonly #worker: Worker;
  /** It answers them one after another. */
  readonly #batches: Batch[] = [];
  #isOver = false;

  /** Throws if the system has no thread for it. */
  constructor(program = `(${work})()`) {
    this.#worker = new Worker(program, { eval: true, execArgv: [], env: {} });
    this.#worker.unref();
    this.#worker.on('message', (answer: Uint8Array) => this.#settle(answer));
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(workerHasEnded()));
  }

  get underWay(): number {
    return this.#batches.length;
  }

  async agree(p256dhs: readonly Uint8Array[]): Promise<readonly (Agreement | undefined)[]> {
    if (this.#isOver) throw workerHasEnded();
    const question = new Uint8Array(p256dhs.length * pointBytes);
    for (const [i, p256dh] of p256dhs.entries()) question.set(p256dh, i * pointBytes);
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#batches.push({ resolve, reject });
      this.#worker.postMessage(question, [question.buffer]);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(answer: Uint8Array): void {
    const batch = this.#batches.shift();
    if (this.#batches.length === 0) this.#worker.unref();
    batch?.resolve(readAnswer(answer));
  }

  #end(error: Error): void {
    this.#isOver = true;
    for (const batch of this.#batches.splice(0)) batch.reject(error);
  }
}

function workerHasEnded(): Error {
  return new Error('the thread has ended');
}

function readAnswer(answer: Uint8Array): readonly (Agreement | undefined)[] {
  return Array.from({ length: answer.length / agreementBytes }, (_, i) => {
    const bytes = answer.subarray(i * agreementBytes, (i + 1) * agreementBytes);
    // Points begin with 4.
    if (bytes[0] === 0) return undefined;
    return { senderPublicKey: bytes.subarray(0, pointBytes), secret: bytes.subarray(pointBytes) };
  });
}

/** The program of the thread. Of what is around it here, it has nothing. What cannot be agreed upon stays zeros. */
function work(): void {
  const { createECDH } = process.getBuiltinModule('node:crypto');
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  const ecdh = createECDH('prime256v1');
  parentPort?.on('message', (question: Uint8Array) => {
    const count = question.length / 65;
    const answer = new Uint8Array(count * 97);
    for (let i = 0; i < count; i++) {
      const senderPublicKey = ecdh.generateKeys();
      try {
        answer.set(ecdh.computeSecret(question.subarray(i * 65, (i + 1) * 65)), i * 97 + 65);
        answer.set(senderPublicKey, i * 97);
      } catch {}
    }
    parentPort.postMessage(answer, [answer.buffer]);
  });
}
