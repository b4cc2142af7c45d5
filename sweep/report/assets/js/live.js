/* A served page asks for newer results, and loads them when nobody is looking closely. */

import { chosen, keep } from "./choices.js";
import { byId, report } from "./page.js";

const EVERY = 3000; // milliseconds
const QUIET = 10_000; // without a key or a touch, after which nobody is in the middle of something

let touched = -QUIET;

const ask = async () => {
  const words = byId("live");
  try {
    const answer = await fetch("state", { cache: "no-store" });
    const state = await answer.text();
    words.textContent = "";
    if (!answer.ok || state === report.live) return;
    if (byId("viewer").open) words.textContent = "Newer results: close the picture to see them.";
    else if (performance.now() - touched < QUIET) words.textContent = "Newer results: they come as soon as you pause.";
    else {
      keep({ focus: document.activeElement.id });
      location.reload();
    }
  } catch {
    words.textContent = "The server has ended; this page no longer changes.";
  }
};

export const watchForNewer = () => {
  for (const what of ["keydown", "input", "pointerdown"]) {
    addEventListener(what, () => { touched = performance.now(); }, true);
  }
  if (chosen.focus) byId(chosen.focus)?.focus({ preventScroll: true });
  setInterval(ask, EVERY);
};
