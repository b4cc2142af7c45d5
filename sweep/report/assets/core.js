/* What all parts of the page share. */

const report = JSON.parse(document.getElementById("data").textContent);
const charts = report.charts;
const byKey = new Map(charts.trials.map((trial) => [trial.key, trial]));
const SMALL = window.matchMedia("(max-width: 640px)");
const TOUCH = window.matchMedia("(pointer: coarse)");
const DARK = window.matchMedia("(prefers-color-scheme: dark)");
const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
// plotly.js reads a few tags in its labels; names and values are never meant as tags.
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const kimgs = (value) => `${Number(value.toFixed(3)).toLocaleString("en")} kimg`;

/* What a reader has chosen. A page that is served keeps it when newer results replace it. */
const chosen = { slots: null, moment: null, view: "cards", filter: "", sort: null, log: false };
const KEY = `sweep-report ${document.title}`;
if (report.live) {
  try {
    Object.assign(chosen, JSON.parse(sessionStorage.getItem(KEY)) ?? {});
  } catch { /* storage may be switched off */ }
}
const keep = (changes) => {
  Object.assign(chosen, changes);
  if (!report.live) return;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(chosen));
  } catch { /* storage may be switched off */ }
};

/* Plots are drawn when they come near the window: a page of many trials opens at once. */
const plots = new Map(); // element to the function that draws it
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    target.dataset.drawn = "true";
    plots.get(target)();
  }
}, { rootMargin: "600px" });
const plot = (place, draw) => { plots.set(place, draw); seen.observe(place); };
const redraw = () => { for (const [place, draw] of plots) if (place.dataset.drawn) draw(); };
DARK.addEventListener("change", redraw);
SMALL.addEventListener("change", redraw);
window.addEventListener("beforeprint", () => {
  for (const [place, draw] of plots) if (!place.dataset.drawn) { place.dataset.drawn = "true"; draw(); }
});

const appearance = () => ({
  showlegend: false, hovermode: "closest", dragmode: TOUCH.matches ? false : "zoom",
  paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
  font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: css("--muted") },
  modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--muted"), activecolor: css("--ink") },
  hoverlabel: { bgcolor: css("--panel"), bordercolor: css("--line"), font: { color: css("--ink"), size: 12 }, align: "left" },
});
const axis = () => ({ gridcolor: css("--line"), zeroline: false, linecolor: css("--line"), tickcolor: css("--line") });
const tools = (shown) => ({
  displaylogo: false, responsive: true, displayModeBar: shown && !TOUCH.matches ? "hover" : false,
  modeBarButtons: [["toImage", "resetScale2d"]],
});
const title = (trial) => `<b>${plain(trial.name)}</b>, ${plain(trial.status)}${trial.rank ? `, rank ${trial.rank}` : ""}`;
const labels = new Map(); // one text a trial, shared by all of its points
const label = (trial) => {
  if (!labels.has(trial.key)) labels.set(trial.key, [title(trial), ...trial.about.map(plain)].join("<br>"));
  return labels.get(trial.key);
};
/* One, two or five of every power of ten: the ticks of a logarithmic axis. */
const decades = () => {
  const values = [];
  for (let power = -12; power < 12; power += 1) values.push(...[1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  return values;
};
