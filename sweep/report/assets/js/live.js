/* A served page asks for newer results, and loads them when nobody is looking closely. */

import { byId, report } from "./page.js";

const EVERY = 3000; // milliseconds

const ask = async () => {
  const words = byId("live");
  try {
    const answer = await fetch("state", { cache: "no-store" });
    const state = await answer.text();
    words.textContent = "";
    if (!answer.ok || state === report.live) return;
    if (byId("viewer").open) words.textContent = "Newer results: close the picture to see them.";
    else location.reload();
  } catch {
    words.textContent = "The server has ended; this page no longer changes.";
  }
};

export const watchForNewer = () => setInterval(ask, EVERY);
