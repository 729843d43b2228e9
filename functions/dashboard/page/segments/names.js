// Names of segments by id: from what the tab has read of them, and one by one for those that are deleted.

/** Fires `change` when a name has come to be known. */
export class SegmentNames extends EventTarget {
  #api;
  #catalogue;
  #signal;
  #others = new Map();

  constructor({ api, catalogue, signal }) {
    super();
    this.#api = api;
    this.#catalogue = catalogue;
    this.#signal = signal;
    const tell = () => this.dispatchEvent(new Event("change"));
    catalogue.addEventListener("change", tell, { signal });
    catalogue.show("active");
    catalogue.readOnce(signal);
  }

  of(id) {
    const known = this.#catalogue.segments.get(id) ?? this.#others.get(id);
    if (!known && this.#catalogue.complete && !this.#others.has(id)) this.#load(id);
    return known?.segment_name ?? `segment ${id}`;
  }

  /** The id that a reference of the API means, null while that is not known. */
  find(reference) {
    if (typeof reference !== "object" || reference === null) return Number(reference);
    const isMeant = (segment) => segment.customer_segment_id === reference.customer_segment_id;
    return [...this.#catalogue.segments.values()].find(isMeant)?.id ?? null;
  }

  async #load(id) {
    this.#others.set(id, null); // asked for once
    try {
      this.#others.set(id, await this.#api.get(`/api/segments/${id}`, {}, { signal: this.#signal, tries: 2 }));
      this.dispatchEvent(new Event("change"));
    } catch {
      // its id has to do
    }
  }
}
