/* Which trials have a colour, and which one. */

import { chosen, keep } from "./choices.js";
import { charts, trials } from "./page.js";
import { redraw } from "./plots.js";

const COLOURS = 8;

/* The key of the trial that has each colour, or null. */
export const slots = Array.from({ length: COLOURS }, () => null);
(chosen.slots ?? charts.shown).forEach((key, slot) => { slots[slot] = trials.has(key) ? key : null; });

const watchers = [];
/* Calls a function whenever a trial gets a colour or loses it. */
export const onRecolour = (watcher) => watchers.push(watcher);

const recoloured = () => {
  keep({ slots: [...slots] });
  for (const watcher of watchers) watcher();
  redraw();
};

export const takeOut = (slot) => {
  slots[slot] = null;
  recoloured();
};

/* Colours a trial that has none, if a colour is free; else the trial takes the last colour. */
export const pick = (key) => {
  if (!trials.has(key) || slots.includes(key)) return;
  const free = slots.indexOf(null);
  slots[free === -1 ? COLOURS - 1 : free] = key;
  recoloured();
};

const clickable = new WeakSet();
/* Colours the trial whose point is clicked in a plot. */
export const pickByClick = (place) => {
  if (clickable.has(place)) return;
  clickable.add(place);
  place.on("plotly_click", ({ points }) => pick(points[0]?.data.meta?.[points[0].pointNumber]));
};
