// Waits that can be ended, and work that is done again and again.

/** Wait so many milliseconds; an aborted `signal` rejects at once. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(done, milliseconds);
    function done() {
      signal?.removeEventListener("abort", ended);
      resolve();
    }
    function ended() {
      clearTimeout(timer);
      reject(signal.reason);
    }
    signal?.addEventListener("abort", ended, { once: true });
  });
}

/**
 * A `signal` that is aborted with `reason` after so many seconds, or before that as `outer` is; `left()` milliseconds until then.
 * `cancel` it when what it is for is done.
 */
export function deadline(seconds, reason, outer) {
  const ends = performance.now() + seconds * 1000;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(reason), seconds * 1000);
  return {
    signal: outer ? AbortSignal.any([outer, over.signal]) : over.signal,
    left: () => ends - performance.now(),
    cancel: () => clearTimeout(timer),
  };
}

// How often a view asks again, in milliseconds from one answer to the next question: a list (of segments, campaigns, imports,
// and how far behind they are) at the pace of lists; a view of one of them, as its figures move, at that of one thing.
export const LIST_INTERVAL = 5_000;
export const ONE_THING_INTERVAL = 3_000;
export const LONGEST_INTERVAL = 300_000; // while asking fails, and of what changes once a day
const AFTER_A_CHANGE_INTERVAL = 1_000; // from here, for so many questions
const AFTER_A_CHANGE_TIMES = 6;
const REST = 10; // it waits so many times as long as the answer took: at most one part in eleven of the time is spent asking

/**
 * Do `work` now and then on, at rest while the tab is hidden; `work` never rejects and tells whether it went well.
 * What takes long is done less often, and what fails ever less often. Ends with `signal`.
 */
export class Refresher {
  constructor(work, signal, interval) {
    this.work = work;
    this.signal = signal;
    this.interval = interval;
    this.failures = 0;
    this.eager = 0;
    this.wait = interval;
    this.running = false;
    this.timer = null;
    document.addEventListener("visibilitychange", () => this.#shown(), { signal });
    window.addEventListener("online", () => this.#shown(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.timer), { once: true });
  }

  /** Do it now, and a few times in short order: something was changed, and what follows from it comes soon. */
  soon() {
    this.eager = AFTER_A_CHANGE_TIMES;
    return this.now();
  }

  /** Do it now. */
  async now() {
    if (this.signal.aborted) return;
    if (this.running) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    this.running = true;
    this.again = false;
    const started = performance.now();
    const went = await this.work();
    this.failures = went ? 0 : this.failures + 1;
    this.wait = Math.max(this.interval, (performance.now() - started) * REST) * 2 ** Math.min(this.failures, 5);
    this.wait = Math.min(this.wait, LONGEST_INTERVAL);
    if (this.eager > 0) {
      this.eager -= 1;
      if (went) this.wait = AFTER_A_CHANGE_INTERVAL;
    }
    this.running = false;
    if (this.signal.aborted) return;
    if (this.again) this.now();
    else this.timer = setTimeout(() => document.hidden || this.now(), this.wait);
  }

  #shown() {
    if (!document.hidden) this.now();
  }
}

const REST_OF_INPUT = 400;

/**
 * Asks about the newest of inputs that change fast, once they rest. What was asked about an older one is given up, and an
 * answer to it that comes all the same is dropped. Ends with `signal`.
 */
export class Latest {
  #timer = null;
  #asking = new AbortController();

  /** `ask(input, signal)` gives an answer, `tell(answer, error)` is told of it or of why there is none. */
  constructor(ask, tell, signal, rest = REST_OF_INPUT) {
    this.ask = ask;
    this.tell = tell;
    this.signal = signal;
    this.rest = rest;
    signal.addEventListener("abort", () => this.forget(), { once: true });
  }

  /** Ask about nothing any more. */
  forget() {
    clearTimeout(this.#timer);
    this.#asking.abort();
  }

  /** Ask about this from now on. */
  about(input) {
    this.forget();
    if (this.signal.aborted) return;
    const asking = new AbortController();
    this.#asking = asking;
    this.#timer = setTimeout(async () => {
      try {
        const answer = await this.ask(input, asking.signal);
        if (!asking.signal.aborted) this.tell(answer, null);
      } catch (error) {
        if (!asking.signal.aborted) this.tell(null, error);
      }
    }, this.rest);
  }
}
