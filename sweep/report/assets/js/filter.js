/* One filter for all trials: it has a box over the table and one over the pictures, which say the same. */

import { chosen, keep } from "./choices.js";
import { matcher } from "./conditions.js";
import { byId } from "./page.js";

const table = byId("table");
const boxes = [...document.querySelectorAll("[data-filter]")];
const names = [...table?.tHead.rows[0].cells ?? []]
  .map(({ dataset }) => [dataset.name?.toLowerCase(), dataset.path?.toLowerCase()]);

/* The place of the column of that name or path; else of the first whose name begins so; -1 if there is none. */
const columnOf = (wanted) => {
  const exact = names.findIndex((both) => both.includes(wanted));
  return exact >= 0 ? exact : names.findIndex(([title]) => title?.startsWith(wanted));
};

const rows = new Map([...table?.tBodies[0].rows ?? []].map((row) => [row.id, row]));
const asRow = (row) => ({
  key: (place) => row.cells[place].dataset.key,
  shown: (place) => row.cells[place].textContent.trim().toLowerCase(),
  text: () => row.textContent.toLowerCase(),
});

const state = { shown: new Set(rows.keys()) };

/* Whether the filter lets a trial through, by its key. */
export const passes = (key) => state.shown.has(`trial-${key}`);

/* What the table says of a trial in the column of a path, and in which order that stands; empty if nothing. */
export const cellOf = (key, path) => {
  const cell = rows.get(`trial-${key}`)?.cells[columnOf(path.toLowerCase())];
  return { words: cell?.textContent ?? "", place: cell?.dataset.key ?? "" };
};

const watchers = [];
/* Calls a function whenever other trials are let through. */
export const onFilter = (watcher) => watchers.push(watcher);

/* Says beside a box how many are shown; only what stands beside the box that is typed in is read out. */
export const sayCount = (id, shown, all) => {
  const output = byId(id);
  output.setAttribute("aria-live", output.htmlFor.value === document.activeElement?.id ? "polite" : "off");
  output.textContent = `${shown === all ? "" : `${shown} of `}${all} ${all === 1 ? "trial" : "trials"}`;
};

/* Puts words into the boxes and filters by them; no words let every trial through. */
export const filterFor = (words) => {
  for (const box of boxes) if (box.value !== words) box.value = words;
  const holds = matcher(words, columnOf);
  state.shown = new Set([...rows].filter(([, row]) => holds(asRow(row))).map(([id]) => id));
  keep({ filter: words });
  for (const watcher of watchers) watcher();
};

export const showFilter = () => {
  for (const box of boxes) box.addEventListener("input", () => filterFor(box.value));
  if (chosen.filter) filterFor(chosen.filter);
};
