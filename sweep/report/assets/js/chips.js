/* The buttons above the curves: a coloured trial each, a list of all others, and the kind of axis. */

import { chosen, keep } from "./choices.js";
import { onRecolour, pick, slots, takeOut } from "./colours.js";
import { byId, charts, css, DARK, element, trials } from "./page.js";
import { redraw } from "./plots.js";

const focusOn = (selector) => document.querySelector(selector)?.focus();

const chip = (trial, slot) => {
  const swatch = element("i");
  swatch.style.background = css(`--c${slot}`);
  const cross = element("b", { textContent: "✕", ariaHidden: "true" });
  const title = "Take this trial out of the colours";
  const made = element("button", { type: "button", className: "chip", title }, swatch, trial.name, cross);
  made.setAttribute("aria-label", `${trial.name}: take it out of the colours`);
  made.addEventListener("click", () => {
    takeOut(slot);
    focusOn("#chips button, #chips select");
  });
  return made;
};

const others = () => {
  const rest = charts.trials.filter((trial) => !slots.includes(trial.key) && trial.kimg.length);
  if (!rest.length || !slots.includes(null)) return [];
  const select = element(
    "select", {},
    element("option", { textContent: "Colour another trial", value: "" }),
    ...rest.map((trial) => element("option", { value: trial.key, textContent: `${trial.name}, ${trial.status}` })),
  );
  select.setAttribute("aria-label", "Colour another trial");
  select.addEventListener("change", () => {
    pick(select.value);
    focusOn("#chips select, #chips button");
  });
  return [select];
};

const logarithmic = () => {
  const title = "Draw KID and FID on a logarithmic axis; values below zero are not shown";
  const made = element("button", { type: "button", className: "chip", textContent: "Log scale", title });
  made.setAttribute("aria-pressed", String(chosen.log));
  made.addEventListener("click", () => {
    keep({ log: !chosen.log });
    fill();
    redraw();
    focusOn("#chips [aria-pressed]");
  });
  return made;
};

const fill = () => {
  const coloured = slots.flatMap((key, slot) => (trials.has(key) ? [chip(trials.get(key), slot)] : []));
  byId("chips").replaceChildren(...coloured, ...others(), logarithmic());
};

export const showChips = () => {
  if (!byId("chips")) return;
  fill();
  onRecolour(fill);
  DARK.addEventListener("change", fill);
};
