/* The page: its elements, its colours, the kind of window that it is read in, and the data that it carries. */

export const SMALL = window.matchMedia("(max-width: 640px)");
export const TOUCH = window.matchMedia("(pointer: coarse)");
export const DARK = window.matchMedia("(prefers-color-scheme: dark)");
export const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");

export const byId = (id) => document.getElementById(id);

/* A new element with properties and children. */
export const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

/* The value of a custom property of the style sheet, such as `--accent`. */
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* A colour of the style sheet (`#rrggbb`) with an opacity from 0 to 1. */
export const rgba = (hex, alpha) => {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${alpha})`;
};

export const report = JSON.parse(byId("data").textContent);
export const charts = report.charts;
export const trials = new Map(charts.trials.map((trial) => [trial.key, trial]));

export const kimgs = (value) => `${Number(value.toFixed(3)).toLocaleString("en")} kimg`;
