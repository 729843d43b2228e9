// What is said while the API is slow, so that nobody waits without knowing for what, and until when.

import { PATIENCE_SECONDS } from "./api.js";
import { h } from "./elements.js";

const SLOW = 5_000;

/** Says so for as long as something that it was given is asked for longer than usual. */
export class Slowness {
  #count = 0;
  #told = h("p", { id: "slow", role: "status", popover: "manual" });

  constructor() {
    document.body.append(this.#told);
  }

  async watch(asking) {
    let isSlow = false;
    const timer = setTimeout(() => {
      isSlow = true;
      this.#add(1);
    }, SLOW);
    try {
      return await asking;
    } finally {
      clearTimeout(timer);
      if (isSlow) this.#add(-1);
    }
  }

  #add(change) {
    this.#count += change;
    this.#told.textContent = this.#count ? `The API is slow to answer. Waiting up to ${PATIENCE_SECONDS} seconds …` : "";
    this.#told.togglePopover(this.#count > 0);
  }
}
