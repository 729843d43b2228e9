// Files on their way to the bucket. They go on while other views are shown, and end with the session.

import { ApiError, backoff } from "../kit/api.js";
import { sized } from "./file_fields.js";
import { pause } from "../kit/timers.js";

const STILL_MILLISECONDS = 120_000; // without a byte sent or an answer
const TRIES = 4;
const LINKS = 3; // fresh ones, when S3 says that one has expired

/** The uploads of a session, by the ids of their imports. */
export class Uploads {
  #api;
  #known = new Map();

  constructor(api) {
    this.#api = api;
    this.warn = (leaving) => this.#isSending() && leaving.preventDefault();
    window.addEventListener("beforeunload", this.warn);
  }

  /** The upload of an import in this tab, if there is or was one. */
  of(importId) {
    return this.#known.get(importId) ?? null;
  }

  /** Upload the content of a file for an import that waits for it, and start the import. */
  begin(importId, link, { name, content }) {
    this.of(importId)?.stop();
    const upload = new Upload(this.#api, importId, link, name, content);
    this.#known.set(importId, upload);
    upload.send();
    return upload;
  }

  end() {
    window.removeEventListener("beforeunload", this.warn);
    for (const upload of this.#known.values()) upload.stop();
  }

  #isSending() {
    return [...this.#known.values()].some(({ isSending }) => isSending);
  }
}

/** One file that is uploaded. Fires `change` when anything of it has moved on. */
class Upload extends EventTarget {
  #api;
  #link;
  #isThere = false;
  #stopping = new AbortController();

  constructor(api, importId, link, name, content) {
    super();
    this.#api = api;
    this.#link = link;
    this.importId = importId;
    this.name = name;
    this.content = content;
    this.sent = 0;
    this.isSending = false;
    this.failure = null; // why it came to a stop
    window.addEventListener("online", () => this.failure && !this.isSending && this.send(), {
      signal: this.#stopping.signal,
    });
  }

  stop() {
    this.#stopping.abort();
    this.isSending = false;
  }

  /** Send the file, unless it has arrived, and start the import; again, if that came to a stop. */
  async send() {
    if (this.isSending || this.#stopping.signal.aborted) return;
    this.failure = null;
    this.isSending = true;
    this.#tell();
    try {
      if (!this.#isThere) await this.#put();
      this.#isThere = true;
      this.#tell();
      await this.#api.change("POST", `/api/imports/${this.importId}/start`);
      this.stop();
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.failure = error;
    }
    this.isSending = false;
    this.#tell();
  }

  async #put() {
    let links = 0;
    for (let number = 0; ; number += 1) {
      this.sent = 0;
      const status = await this.#putOnce();
      if (status >= 200 && status < 300) return;
      if (status === 403 && links < LINKS) {
        links += 1;
        await this.#renewLink();
      } else if (status < 500 || number + 1 >= TRIES) {
        throw new Error(`The storage refused the file (status ${status}). Try again, or begin a new import.`);
      } else await pause(backoff(number), this.#stopping.signal);
    }
  }

  async #renewLink() {
    const { status, upload } = await this.#api.get(`/api/imports/${this.importId}`);
    if (!upload) throw new Error(`The import does not wait for a file any more: it is ${status}.`);
    this.#link = upload;
  }

  /** One PUT, tried once; resolves to its status. */
  #putOnce() {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch tells of no progress
      let timer = null;
      const lost = (what) => {
        const told = `${what} ${sized(this.sent)} of ${sized(this.content.size)} had been sent.`;
        reject(new ApiError(0, told));
      };
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          lost("The upload stood still for two minutes.");
          request.abort();
        }, STILL_MILLISECONDS);
      };
      request.upload.addEventListener("progress", ({ loaded }) => {
        this.sent = loaded;
        wait();
        this.#tell();
      });
      request.addEventListener("loadend", () => clearTimeout(timer));
      request.addEventListener("load", () => resolve(request.status));
      request.addEventListener("error", () => lost("The connection was lost."));
      this.#stopping.signal.addEventListener("abort", () => request.abort(), { once: true });
      request.addEventListener("abort", () => reject(this.#stopping.signal.reason ?? new Error("stopped")));
      request.open(this.#link.method, this.#link.url);
      for (const [name, value] of Object.entries(this.#link.headers)) request.setRequestHeader(name, value);
      request.send(this.content);
      wait();
    });
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
