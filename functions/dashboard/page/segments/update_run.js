// Adding many users to a segment, or removing them: as many as a request takes, several requests at a time, until all is told.

import { ApiError, backoff } from "../kit/api.js";
import { csvLine } from "../kit/csv.js";
import { MAX_ID_CHARACTERS, MAX_USERS_PER_UPDATE } from "../kit/limits.js";
import { pause } from "../kit/timers.js";

const AT_ONCE = 4;
const TRIES = 8; // in a row without anything written; about half a minute
const KEPT_PARTS = 5_000;
const SHOWN = 10;
const PATH_OF_A_USER = /^bulk_profiles\[0\]\.user_profiles\[\d+\]\.?/;

/** The rows that were not taken, as a file that can be mended and dropped again. */
export class Rejected {
  #parts = [];

  constructor(key) {
    this.count = 0;
    this.first = [];
    this.#parts.push(csvLine([key, "row", "error"]));
  }

  add(row, id, error) {
    this.count += 1;
    if (this.first.length < SHOWN) this.first.push({ row, id, error });
    this.#parts.push(csvLine([id, row, error]));
    // The browser keeps a Blob where it has room, so that a file of any size can be rejected as a whole.
    if (this.#parts.length > KEPT_PARTS) this.#parts = [new Blob(this.#parts)];
  }

  file() {
    return new Blob(this.#parts, { type: "text/csv;charset=utf-8" });
  }
}

/** What is wrong with an id, or null. The API checks again. */
export function wrongId(id) {
  if (id.trim() === "") return "is empty";
  if (id.includes("\ufffd")) return "is not UTF-8 text";
  if ([...id].length > MAX_ID_CHARACTERS) return `has more than ${MAX_ID_CHARACTERS} characters`;
  if (/[\x00-\x1f\x7f-\x9f]/.test(id)) return "has control characters";
  return null;
}

/** Rows side by side that are sent together, or not at all. */
class Batch {
  users = new Map(); // each with its rows
  wrong = [];
  rows = 0;
  last = 0;
  span = 0;

  take(row, id, span, key) {
    this.rows += 1;
    this.last = row;
    this.span += span;
    const wrong = wrongId(id);
    if (wrong) this.wrong.push({ row, id, error: `${key}: ${wrong}` });
    else if (this.users.has(id)) this.users.get(id).push(row);
    else this.users.set(id, [row]);
  }

  get isFull() {
    return this.users.size === MAX_USERS_PER_UPDATE || this.wrong.length === MAX_USERS_PER_UPDATE;
  }
}

/** One run of one action over users of one segment. Fires `progress` when anything of it has moved on. */
export class UpdateRun extends EventTarget {
  #api;
  #stopping = new AbortController();

  constructor(api, segmentId, action, key) {
    super();
    this.#api = api;
    this.segment = { ct_segment_id: String(segmentId), action };
    this.key = key;
    this.rows = 0; // that were sent, or found wrong on the way
    this.last = 0; // the last of them: what is before it is told of, what is after it was not sent
    this.done = 0; // of what `read` of the source counts
    this.totals = { added: 0, removed: 0, unchanged: 0, profiles_created: 0 };
    this.rejected = new Rejected(key);
    this.retries = 0;
    this.failure = null; // why it ended before the end
    this.stopped = false;
  }

  /** Begin no more requests; those on their way are waited for. */
  stop() {
    this.stopped = true;
    this.#stopping.abort();
  }

  /** Work off a source, which yields lists of `{row, id}` and how much of it that list is. */
  async work(source) {
    const underway = new Set();
    try {
      await this.#sendAll(source, underway);
    } finally {
      await Promise.all(underway);
      this.dispatchEvent(new Event("progress"));
    }
  }

  async #sendAll(source, underway) {
    let batch = new Batch();
    const send = async () => {
      const full = batch;
      batch = new Batch();
      while (underway.size >= AT_ONCE) await Promise.race(underway);
      if (this.#stopping.signal.aborted) return;
      this.rows += full.rows;
      this.last = full.last;
      for (const { row, id, error } of full.wrong) this.rejected.add(row, id, error);
      const sending = this.#send(full.users).then(() => {
        underway.delete(sending);
        this.done += full.span;
        this.dispatchEvent(new Event("progress"));
      });
      underway.add(sending);
    };
    reading: for await (const { entries, span } of source) {
      const each = span / (entries.length || 1);
      if (!entries.length) batch.span += span;
      for (const { row, id } of entries) {
        if (this.#stopping.signal.aborted) break reading;
        batch.take(row, id, each, this.key);
        if (batch.isFull) await send();
      }
    }
    if (batch.rows && !this.#stopping.signal.aborted) await send();
  }

  async #send(users) {
    let pending = users;
    for (let tries = 1; pending.size; tries += 1) {
      let retryAfter = null;
      try {
        const left = this.#count(pending, await this.#ask(pending));
        if (left.size < pending.size) tries = 1;
        pending = left;
        if (!pending.size) return;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (!error.canTryAgain) {
          this.#end(pending, error.message);
          return;
        }
        retryAfter = error.retryAfter;
        if (tries >= TRIES) {
          this.#end(pending, error.message);
          return;
        }
      }
      if (tries >= TRIES) {
        this.#end(pending, "The API is too busy.");
        return;
      }
      this.retries += 1;
      this.dispatchEvent(new Event("progress"));
      try {
        await pause(backoff(tries, retryAfter), this.#stopping.signal);
      } catch {
        this.#reject(pending, "stopped before it was written");
        return;
      }
    }
  }

  #ask(pending) {
    const users = [...pending.keys()].map((id) => ({ [this.key]: id }));
    const body = { bulk_profiles: [{ user_profiles: users, segments: [this.segment] }] };
    return this.#api.update(body, { tries: 1 });
  }

  /** Count an answer; return the users to be asked for again. */
  #count(asked, { summary, unprocessed }) {
    const left = new Map();
    const refused = new Set();
    const ids = [...asked.keys()];
    for (const { code, error, record } of unprocessed) {
      const users = record.user_profiles; // of one who could not be read it may say only at which index they are
      const named = Array.isArray(users) ? users.map((user) => user[this.key]) : [ids[users]];
      for (const id of named) {
        refused.add(id);
        if (code === 429 || code === 503) left.set(id, asked.get(id));
        else this.#reject(new Map([[id, asked.get(id)]]), error.replace(PATH_OF_A_USER, ""));
      }
      if (code === 404 || code === 410) this.#fail(error); // the segment is gone: the rest would fare no better
    }
    for (const name of Object.keys(this.totals)) this.totals[name] += summary?.[name] ?? 0;
    // A row that repeats one of the same request changes nothing, as it would in the next request.
    for (const [id, rows] of asked) if (!refused.has(id)) this.totals.unchanged += rows.length - 1;
    return left;
  }

  #end(users, message) {
    this.#reject(users, message);
    this.#fail(message);
  }

  #fail(message) {
    this.failure ??= message;
    this.#stopping.abort();
  }

  #reject(users, error) {
    for (const [id, rows] of users) for (const row of rows) this.rejected.add(row, id, error);
  }
}

/** Add one user to a segment or remove them; rejects with what the API says against it. */
export async function changeOne(api, user, segmentId, action) {
  const body = { bulk_profiles: [{ user_profiles: [user], segments: [{ ct_segment_id: String(segmentId), action }] }] };
  const answer = await api.update(body);
  if (answer.unprocessed.length) throw new Error(answer.unprocessed[0].error);
  return answer.summary;
}
