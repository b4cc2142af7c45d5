/* What a reader has chosen. A page that is served keeps it when newer results replace the page. */

import { report } from "./page.js";

const KEY = `sweep-report ${document.title}`;

export const chosen = { slots: null, moment: null, view: "cards", filter: "", order: "", sort: null, log: false, focus: "" };
if (report.live) {
  try {
    Object.assign(chosen, JSON.parse(sessionStorage.getItem(KEY)) ?? {});
  } catch { /* storage may be switched off */ }
}

export const keep = (changes) => {
  Object.assign(chosen, changes);
  if (!report.live) return;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(chosen));
  } catch { /* storage may be switched off */ }
};
