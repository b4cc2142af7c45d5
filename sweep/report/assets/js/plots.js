/* What all plots share: when they are drawn, how they look, how trials are named in them. */

import { css, DARK, SMALL, TOUCH } from "./page.js";

/* A page of many trials opens at once because a plot is drawn when it comes near the window. */
const draws = new Map(); // element to the function that draws it
const drawn = new Set();
const draw = (place) => {
  drawn.add(place);
  draws.get(place)();
};
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    draw(target);
  }
}, { rootMargin: "600px" });

/* Draws a plot once its place is near the window, and after that whenever all are drawn anew. */
export const plot = (place, drawIt) => {
  draws.set(place, drawIt);
  near.observe(place);
};
export const redraw = () => {
  for (const place of drawn) draw(place);
};
DARK.addEventListener("change", redraw);
SMALL.addEventListener("change", redraw);

export const appearance = () => ({
  showlegend: false,
  hovermode: "closest",
  dragmode: TOUCH.matches ? false : "zoom",
  paper_bgcolor: "rgba(0,0,0,0)",
  plot_bgcolor: "rgba(0,0,0,0)",
  font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: css("--muted") },
  modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--muted"), activecolor: css("--ink") },
  hoverlabel: {
    bgcolor: css("--panel"), bordercolor: css("--line"), font: { color: css("--ink"), size: 12 }, align: "left",
  },
});
export const axis = () => ({
  gridcolor: css("--line"), zeroline: false, linecolor: css("--line"), tickcolor: css("--line"),
});
export const tools = (shown) => ({
  displaylogo: false,
  responsive: true,
  displayModeBar: shown && !TOUCH.matches ? "hover" : false,
  modeBarButtons: [["toImage", "resetScale2d"]],
});

/* Text for plotly.js, which reads a few tags in its labels; names and values are never meant as tags. */
export const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const labels = new Map(); // one text a trial, shared by all of its points
const heading = ({ name, status, rank }) => `<b>${plain(name)}</b>, ${plain(status)}${rank ? `, rank ${rank}` : ""}`;
export const label = (trial) => {
  if (!labels.has(trial.key)) labels.set(trial.key, [heading(trial), ...trial.about.map(plain)].join("<br>"));
  return labels.get(trial.key);
};
