// Every segment of the account as this tab last read it, and what differed from one reading to the next.

import { FIGURES } from "./columns.js";
import { MAX_PAGE } from "../kit/limits.js";
import { LIST_INTERVAL, LONGEST_INTERVAL, Refresher } from "../kit/timers.js";

const KEPT_CHANGES = 200; // a segment; the oldest go first
const LONGEST_CATCH_UP = 60_000; // after the figures last moved: others' changes may keep them from the expected ones

/** Fires `change` when there is something new to show: a page of the first reading, a whole reading, a failure. */
export class Catalogue extends EventTarget {
  #api;
  #refresher = null;
  #generation = 0;
  #days = [];
  #weeks = new Map();

  constructor(api) {
    super();
    this.#api = api;
    this.status = "active";
    this.segments = new Map();
    this.complete = false; // all pages were read at least once
    this.readAt = null;
    this.failure = null;
    this.since = new Date();
    this.changes = new Map();
    this.expected = new Map(); // by segment, while its figures do not have what this tab changed
  }

  /** Read now and then on, until `signal`. */
  watch(signal) {
    const refresher = new Refresher(() => this.#read(signal), signal, LIST_INTERVAL);
    this.#refresher = refresher;
    refresher.now();
    new Refresher(() => this.#readWeeks(signal), signal, LONGEST_INTERVAL).now();
  }

  /** Read once. */
  readOnce(signal) {
    this.#read(signal);
  }

  refresh() {
    return this.#refresher.now();
  }

  get wait() {
    return this.#refresher.wait;
  }

  /** Show segments of another status: `active`, `deleted` or `all`. */
  show(status) {
    if (status === this.status) return;
    this.status = status;
    this.#generation += 1;
    this.segments = new Map();
    this.complete = false;
    this.failure = null;
    this.dispatchEvent(new Event("change"));
    this.#refresher?.now();
  }

  /** Take in one segment that was read or written outside a whole reading. */
  put(segment) {
    const before = this.segments.get(segment.id);
    this.#follow(before, segment);
    if (before) this.#compare(before, segment);
    const isShown = this.status === "all" || this.status === segment.status;
    if (isShown) this.segments.set(segment.id, this.#withWeek(segment));
    else this.segments.delete(segment.id);
    this.dispatchEvent(new Event("change"));
  }

  /** What this tab did or saw of a segment, newest first. */
  changesOf(id) {
    return this.changes.get(id) ?? [];
  }

  /** The API has acknowledged a change of members by `change`, which the figures of `segment` do not have yet. */
  expect(segment, change) {
    if (change === 0) return;
    this.expected.set(segment.id, { members: segment.members + change, isMore: change > 0, movedAt: performance.now() });
  }

  /** Whether the figures of a segment do not have yet what this tab changed. */
  isCatchingUp(id) {
    const expected = this.expected.get(id);
    return expected !== undefined && performance.now() - expected.movedAt < LONGEST_CATCH_UP;
  }

  note(id, what) {
    const known = this.changesOf(id);
    this.changes.set(id, [{ at: new Date(), what }, ...known].slice(0, KEPT_CHANGES));
  }

  async #read(signal) {
    const generation = this.#generation;
    const found = new Map();
    const before = this.segments;
    let cursor = null;
    try {
      do {
        const query = { limit: MAX_PAGE, status: this.status, cursor };
        const answer = await this.#api.get("/api/segments", query, { signal, tries: 2 });
        if (generation !== this.#generation) return true;
        for (const segment of answer.segments) found.set(segment.id, this.#withWeek(segment));
        cursor = answer.cursor;
        if (!this.complete) {
          this.segments = new Map(found);
          if (cursor) this.dispatchEvent(new Event("change"));
        }
      } while (cursor);
    } catch (error) {
      if (error.name === "AbortError" || generation !== this.#generation) return true;
      this.failure = error;
      this.dispatchEvent(new Event("change"));
      return false;
    }
    for (const [id, segment] of found) {
      this.#follow(before.get(id), segment);
      if (this.complete && before.has(id)) this.#compare(before.get(id), segment);
    }
    this.segments = found;
    this.complete = true;
    this.failure = null;
    this.readAt = new Date();
    this.dispatchEvent(new Event("change"));
    return true;
  }

  async #readWeeks(signal) {
    try {
      const { days, segments } = await this.#api.get("/api/segments/trends", {}, { signal });
      this.#days = days;
      this.#weeks = new Map(segments.map(({ id, members }) => [id, members]));
    } catch (error) {
      return error.name === "AbortError";
    }
    for (const [id, segment] of this.segments) this.segments.set(id, this.#withWeek(segment));
    this.dispatchEvent(new Event("change"));
    return true;
  }

  /** A segment with `week`: its members at the ends of the last days, the oldest first, null where nobody noted them. */
  #withWeek(segment) {
    const noted = this.#weeks.get(segment.id);
    return { ...segment, week: this.#days.map((day, index) => ({ day, members: noted?.[index] ?? null })) };
  }

  /** Take note of how far the figures have come to what is expected of them. */
  #follow(before, { id, members, as_of: asOf, status }) {
    const expected = this.expected.get(id);
    if (!expected) return;
    const isThere = expected.isMore ? members >= expected.members : members <= expected.members;
    if (isThere || status !== "active") this.expected.delete(id);
    else if (before && before.as_of !== asOf) expected.movedAt = performance.now();
  }

  #compare(before, after) {
    const deltas = FIGURES.map(({ label, figure }) => [label, figure(before), figure(after)]).filter(([, was, is]) => was !== is);
    if (deltas.length) this.note(after.id, { deltas });
    if (before.segment_name !== after.segment_name) this.note(after.id, { text: "Renamed", was: before.segment_name });
    if (before.status !== after.status && after.status === "deleted") this.note(after.id, { text: "Deleted" });
  }
}
