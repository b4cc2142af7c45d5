/* Parallel coordinates: each trial as a line through its parameters to its metric. */

import { pickByClick } from "./colours.js";
import { byId, charts, css, element, rgba, SMALL } from "./page.js";
import { appearance, label, plain, plot, tools } from "./plots.js";
import { clip, fallen, metricScale, parameters, ranked } from "./scales.js";

const MOST_AXES = 12;
const NOWHERE = -0.16; // where a line passes an axis on which its trial has no value
const SHADES = [0.62, 0.34, 0.2, 0.12]; // of the quarters of the ranked trials, best first

const axes = parameters.slice(0, MOST_AXES);

const lines = (trials, metric, style) => {
  const made = { x: [], y: [], text: [], meta: [] };
  for (const trial of trials) {
    const values = axes.map(({ index }) => trial.values[index]);
    const path = values.map((value, x) => (value == null ? NOWHERE : axes[x].scale.at(value)));
    path.push(trial.ranked ? metric.at(trial.best) : null);
    made.x.push(...path.keys(), null);
    made.y.push(...path, null);
    for (let i = 0; i <= path.length; i += 1) {
      made.text.push(label(trial));
      made.meta.push(trial.key);
    }
  }
  return { ...made, mode: "lines", hovertemplate: "%{text}<extra></extra>", line: style };
};

/* The collapsed, the ranked by quarters from the last to the first, and the winner on top. */
const traces = (metric) => {
  const accent = css("--accent");
  const quarter = Math.ceil(ranked.length / 4) || 1;
  const group = (nth) => {
    const members = ranked.slice(nth * quarter + (nth === 0 ? 1 : 0), (nth + 1) * quarter);
    return lines(members, metric, { color: rgba(accent, SHADES[nth]), width: nth === 0 ? 1.6 : 1 });
  };
  const dead = lines(fallen, metric, { color: rgba(css("--collapsed"), 0.55), width: 1, dash: "dot" });
  const winner = lines(ranked.slice(0, 1), metric, { color: accent, width: 3.5 });
  return [dead, ...[3, 2, 1, 0].map(group), winner];
};

/* Whether some trial has no value on an axis; the last one is the metric's. */
const lacking = (x) => axes[x] && charts.trials.some((trial) => trial.values[axes[x].index] == null);

const annotations = (named) => {
  const ink = css("--ink");
  const muted = css("--muted");
  const notes = named.flatMap(([name, ticks], x) => {
    const shown = lacking(x) ? [...ticks, [NOWHERE, "none"]] : ticks;
    return [
      { x, y: 1.04, text: plain(clip(name, 18)), yanchor: "bottom", font: { color: ink, size: 12.5 } },
      ...shown.map(([y, text]) => ({
        x, y, text: plain(text), xanchor: "left", xshift: 5, font: { size: 11, color: muted },
        bgcolor: rgba(css("--bg"), 0.72), borderpad: 1,
      })),
    ];
  });
  return notes.map((note) => ({ ...note, showarrow: false }));
};

const draw = (place) => () => {
  const metric = metricScale();
  const titled = axes.map(({ param, scale }) => [param.title, scale.ticks]);
  const named = [...titled, [charts.called, metric.ticks]];
  const layout = {
    ...appearance(),
    margin: { l: 40, r: 64, t: 34, b: 18 },
    dragmode: false,
    xaxis: { visible: false, range: [-0.25, named.length - 0.6], fixedrange: true },
    yaxis: { visible: false, range: [NOWHERE - 0.06, 1.05], fixedrange: true },
    shapes: named.map((_, x) => ({
      type: "line", x0: x, x1: x, y0: 0, y1: 1, line: { color: css("--muted"), width: 1 },
    })),
    annotations: annotations(named),
  };
  Plotly.react(place, traces(metric), layout, tools(false));
  place.style.minWidth = `${named.length * (SMALL.matches ? 92 : 70)}px`;
  pickByClick(place);
};

export const showParallel = () => {
  const place = byId("parallel");
  if (!place) return;
  if (ranked.length && axes.length) plot(place, draw(place));
  else place.replaceWith(element("p", { className: "empty", textContent: charts.unranked }));
};
