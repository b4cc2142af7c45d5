/* The metric against each parameter, a dot for each trial. */

import { byId, charts, css, element, rgba } from "./page.js";
import { appearance, axis, label, plain, plot, tools } from "./plots.js";
import { clip, fallen, parameters, ranked } from "./scales.js";

const MANY = 200; // dots, from which on they are smaller and paler

/* A shift that a trial has on every draw, so that equal choices do not hide each other. */
const jitter = (position) => (((position * 0.618034) % 1) - 0.5) * 0.36;

const across = ({ param, index, scale }) => (trial) => {
  const value = trial.values[index];
  return param.number ? value : scale.choices.indexOf(value) + jitter(charts.trials.indexOf(trial));
};

const horizontal = ({ param, scale }) => {
  if (!param.number) {
    return {
      tickmode: "array",
      tickvals: [...scale.choices.keys()],
      ticktext: scale.choices.map((choice) => plain(clip(choice, 14))),
      range: [-0.6, scale.choices.length - 0.4],
    };
  }
  const ticks = { type: param.log ? "log" : "linear", nticks: 6, exponentformat: "power" };
  return param.log ? { ...ticks, dtick: scale.span < 200 ? "D2" : 1 } : ticks;
};

const value = (trial) => `${label(trial)}<br><b>${trial.best.toPrecision(4)}</b>`;
const verdict = (trial) => `${label(trial)}<br>${plain(trial.collapse.verdict)}`;

const traces = (one) => {
  const best = ranked.map((trial) => trial.best);
  const bottom = Math.min(...best);
  const top = Math.min(charts.worst?.[1] ?? Infinity, Math.max(...best));
  const above = top + 0.09 * (top - bottom || Math.abs(top) || 1);
  const dots = (trials, y, marker, text) => {
    const shown = trials.filter((trial) => trial.values[one.index] != null);
    return {
      x: shown.map(across(one)), y: shown.map(y), text: shown.map(text), meta: shown.map((trial) => trial.key),
      mode: "markers", marker, hovertemplate: "%{text}<extra></extra>", cliponaxis: false,
    };
  };
  const many = ranked.length > MANY;
  const plainDot = { color: rgba(css("--accent"), many ? 0.4 : 0.7), size: many ? 5 : 7 };
  const ring = { symbol: "circle-open", size: 14, color: css("--ink"), line: { width: 2 } };
  const cross = { symbol: "x-thin", size: 8, line: { width: 1.8, color: css("--collapsed") } };
  return [
    dots(ranked, (trial) => Math.min(trial.best, above), plainDot, value),
    dots(ranked.slice(0, 1), (trial) => trial.best, ring, value),
    dots(fallen, () => above, cross, verdict),
  ];
};

const draw = (place, one) => () => {
  const layout = {
    ...appearance(),
    margin: { l: 56, r: 12, t: 8, b: 34 },
    xaxis: { ...axis(), showgrid: false, ...horizontal(one) },
    yaxis: { ...axis(), nticks: 5 },
  };
  Plotly.react(place, traces(one), layout, tools(false));
};

export const showSlices = () => {
  const shown = byId("slices") && ranked.length ? parameters : [];
  for (const one of shown) {
    const { path, when } = one.param;
    const place = element("div", { className: "plot", role: "img" });
    place.setAttribute("aria-label", `${charts.label} against ${path}, a dot for each trial`);
    const heading = element("h3", { textContent: path });
    if (when) heading.append(element("span", { className: "muted", textContent: ` when ${when}` }));
    byId("slices").append(element("div", { className: "chart" }, heading, place));
    plot(place, draw(place, one));
  }
};
