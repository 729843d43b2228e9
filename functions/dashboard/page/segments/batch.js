// The same for several segments: a few at a time, each standing or falling alone.

import { foreign, h, problem } from "../kit/elements.js";
import { counted } from "../kit/formats.js";

const AT_ONCE = 4;

/** Do `work` for each segment; `tell` hears how many are through. Returns those that failed, as `{segment, error}`. */
export async function forEachSegment(segments, work, tell) {
  const waiting = [...segments];
  const failed = [];
  let done = 0;
  const worker = async () => {
    for (let segment = waiting.shift(); segment; segment = waiting.shift()) {
      try {
        await work(segment);
      } catch (error) {
        failed.push({ segment, error });
      }
      done += 1;
      tell(done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failed;
}

/** Which of several failed, and why: `explain(error)` says it, or, without that, the error itself. */
export function failures(failed, what, explain = ({ message }) => message) {
  const box = problem(`${counted(failed.length, "segment")} could not be ${what}:`);
  const reason = ({ segment, error }) => h("li", {}, foreign(segment.segment_name), ": ", explain(error));
  box.append(h("ul", {}, failed.map(reason)));
  return box;
}
