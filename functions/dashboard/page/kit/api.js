// The API as every client speaks to it: two headers, JSON, and the codes of docs/api.md.

import { deadline, pause } from "./timers.js";

// This is served as a part of <API>/page/<version>/page.js.
export const API_URL = new URL("../..", import.meta.url).href.replace(/\/$/, "");

const TRY_AGAIN = new Set([429, 500, 502, 503, 504]);
const TRIES = 4;
const FIRST_WAIT = 400;
const LONGEST_WAIT = 15_000;
export const PATIENCE_SECONDS = 30; // for all tries of a request together; API Gateway itself answers within 29

/** What the API, or the way to it, answered instead of what was asked for. Status 0: no answer at all. */
export class ApiError extends Error {
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  get canTryAgain() {
    const isUnderway = this.status === 409 && this.message.includes("still running"); // the same create, sent before
    return this.status === 0 || TRY_AGAIN.has(this.status) || isUnderway;
  }
}

const NO_ANSWER = "The API does not answer. Check your network.";
const OFFLINE = "You are offline.";
const NOT_IN_TIME = new ApiError(0, `The API has not answered for ${PATIENCE_SECONDS} seconds.`);

/** How long to wait before try number `attempt` + 1: what the API asks for, or twice as long each time, give or take. */
export function backoff(attempt, retryAfter = null) {
  const wait = Math.min(FIRST_WAIT * 2 ** attempt, LONGEST_WAIT) * (0.5 + Math.random() / 2);
  return Math.max(wait, (retryAfter ?? 0) * 1000);
}

/** A key for a create: the API does what bears the same key once, however often it comes. */
export function newKey() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether a path can name this user: a browser takes `.` and `..` for steps along the path, however they are written. */
export function fitsPath(id) {
  return id !== "." && id !== "..";
}

export const NOT_BY_PATH = "The API can't be asked by path for a user of this identity.";

/** Speaks for one account. */
export class Api {
  constructor(session) {
    this.account = session.account;
    this.headers = { "X-CleverTap-Account-Id": session.account, "X-CleverTap-Passcode": session.passcode };
  }

  async get(path, query = {}, { signal, tries = TRIES } = {}) {
    const sent = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
    const search = sent.length ? `?${new URLSearchParams(sent)}` : "";
    return this.#persist((ending) => this.request("GET", path + search, undefined, { signal: ending }), tries, signal);
  }

  /** Get what the API tells of one user, `{identity}` or `{guid}`, at `path`, given that as a part of it; never of another. */
  async getUser(path, user, options) {
    const [[by, id]] = Object.entries(user);
    if (!fitsPath(id)) throw new Error(NOT_BY_PATH);
    const answer = await this.get(path(encodeURIComponent(id)), by === "identity" ? {} : { by }, options);
    if (answer[by] !== id) throw new Error("The API answered for another user than the one asked for.");
    return answer;
  }

  /** Create segments, as many as a request takes; safe to try again, in part too, as the key tells the API that it is the same request. */
  async create(entries, { key = newKey(), signal } = {}) {
    const send = (ending) =>
      this.request("POST", "/api/createSegment", entries, { signal: ending, headers: { "Idempotency-Key": key } });
    for (let number = 0; ; number += 1) {
      const answer = await this.#persist(send, TRIES, signal);
      const isFinal = !answer.unprocessed?.some(({ code }) => TRY_AGAIN.has(code));
      if (isFinal || number + 1 >= TRIES) return answer;
      await pause(backoff(number), signal);
    }
  }

  /** Add users to segments or remove them; safe to try again. */
  async update(body, { signal, tries = TRIES } = {}) {
    return this.#persist((ending) => this.request("POST", "/api/updateSegment", body, { signal: ending }), tries, signal);
  }

  /** Create an import, with a link for its file; safe to try again with the same `key`. */
  createImport(body, key) {
    const headers = { "Idempotency-Key": key };
    return this.#persist((ending) => this.request("POST", "/api/imports", body, { signal: ending, headers }), TRIES);
  }

  /** Create a campaign; with the same `key`, it is created once, however often it is asked for. */
  createCampaign(body, key) {
    const headers = { "Idempotency-Key": key };
    return this.#persist((signal) => this.request("POST", "/1/targets/create.json", body, { signal, headers }), TRIES);
  }

  /** Sent once: the answer to a second would tell of the first one's version. */
  editCampaign(body) {
    return this.request("POST", "/1/targets/edit.json", body);
  }

  /** Ask what is asked by POST but changes nothing, or the same however often it is asked. */
  async ask(path, body = {}, { signal, tries = TRIES } = {}) {
    return this.#persist((ending) => this.request("POST", path, body, { signal: ending }), tries, signal);
  }

  /** Change a segment's name, description or tags. */
  changeSegment(id, changes) {
    const send = (signal) => this.request("PATCH", `/api/segments/${id}`, changes, { signal });
    return this.#persist(send, TRIES);
  }

  delete(id) {
    return this.#persist((signal) => this.request("DELETE", `/api/segments/${id}`, undefined, { signal }), TRIES);
  }

  /** Change what is the same however often that is asked for. */
  change(method, path) {
    return this.#persist((signal) => this.request(method, path, undefined, { signal }), TRIES);
  }

  /** Try until it goes well, for as long as a request is waited for, whatever the API asks. */
  async #persist(attempt, tries, signal) {
    const ending = deadline(PATIENCE_SECONDS, NOT_IN_TIME, signal);
    try {
      for (let number = 0; ; number += 1) {
        try {
          return await attempt(ending.signal);
        } catch (error) {
          if (!(error instanceof ApiError) || !error.canTryAgain || number + 1 >= tries) throw error;
          const wait = backoff(number, error.retryAfter);
          if (wait >= ending.left()) throw error;
          await pause(wait, ending.signal);
        }
      }
    } finally {
      ending.cancel();
    }
  }

  /** One request, tried once; `signal` gives it up, and so does the end of the time that any is waited for. */
  async request(method, path, body, { signal, headers = {} } = {}) {
    const ending = deadline(PATIENCE_SECONDS, NOT_IN_TIME, signal);
    let answer;
    let text;
    try {
      answer = await fetch(API_URL + path, {
        method,
        signal: ending.signal,
        headers: { ...this.headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
      });
      text = await answer.text();
    } catch {
      throw ending.signal.aborted ? ending.signal.reason : new ApiError(0, navigator.onLine ? NO_ANSWER : OFFLINE);
    } finally {
      ending.cancel();
    }
    let content = null;
    try {
      content = JSON.parse(text);
    } catch {
      // not from the API: the status says what there is to say
    }
    if (answer.ok && content !== null) return content;
    // Entries that nothing could be written of: the batch's own answer, which tells each of them, is worth more.
    if (content?.unprocessed) return content;
    const retryAfter = Number(answer.headers.get("Retry-After")) || null;
    throw new ApiError(answer.status, content?.error ?? `The API answered ${answer.status}.`, retryAfter);
  }
}
