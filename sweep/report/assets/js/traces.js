/* What is drawn in a panel of learning curves: lines, bands of error, marks of rungs and collapses. */

import { slots } from "./colours.js";
import { charts, css, rgba, SMALL, trials } from "./page.js";
import { label, plain } from "./plots.js";

/* Metrics depend on the number of pictures, or their error does; the error is another of a trial's values, or none. */
const measured = (key) => key in charts.errors;
const errors = (trial, key) => trial[charts.errors[key]];

const point = (key) => (measured(key) ? "%{y:.4g}%{customdata} at %{x} kimg" : "%{y:.4g} at %{x} kimg");
const hover = (key) => `%{text}<br><b>${point(key)}</b><extra></extra>`;
const notes = (trial, key) => trial.n_fake.map((count, i) => {
  const error = errors(trial, key)?.[i];
  return `${error == null ? "" : ` ± ${error.toPrecision(2)}`} on ${count} pictures`;
});

/* All trials without a colour, as one line with gaps. */
const grey = (key) => {
  const line = { x: [], y: [], text: [], customdata: [], meta: [] };
  for (const trial of charts.trials) {
    if (slots.includes(trial.key)) continue;
    line.x.push(...trial.kimg, null);
    line.y.push(...trial[key], null);
    for (let i = 0; i <= trial.kimg.length; i += 1) {
      line.text.push(label(trial));
      line.meta.push(trial.key);
    }
    if (measured(key)) line.customdata.push(...notes(trial, key), "");
  }
  const single = charts.trials.some((trial) => trial.kimg.length === 1);
  const colour = css("--other");
  return {
    ...line,
    mode: single ? "lines+markers" : "lines",
    marker: { size: 3, color: colour },
    line: { color: colour, width: 1 },
    hovertemplate: hover(key),
  };
};

/* One standard error of a metric to each side. */
const band = (trial, key, colour) => {
  const points = trial.kimg.map((kimg, i) => [kimg, trial[key][i], errors(trial, key)[i]])
    .filter(([, value, error]) => value != null && error != null);
  const upper = points.map(([, value, error]) => value + error);
  const lower = points.map(([, value, error]) => value - error);
  const x = points.map(([kimg]) => kimg);
  return {
    x: [...x, ...x.slice().reverse()],
    y: [...upper, ...lower.reverse()],
    mode: "lines",
    line: { width: 0 },
    fill: "toself",
    fillcolor: rgba(colour, 0.16),
    hoverinfo: "skip",
  };
};

const curve = (trial, key, colour) => ({
  x: trial.kimg,
  y: trial[key],
  text: trial.kimg.map(() => label(trial)),
  meta: trial.kimg.map(() => trial.key),
  customdata: measured(key) ? notes(trial, key) : undefined,
  hovertemplate: hover(key),
  mode: "lines+markers",
  line: { color: colour, width: 2 },
  marker: { color: colour, size: 4 },
});

const star = (trial, colour) => {
  const { kimg, value, n_fake: pictures } = trial.result;
  return {
    x: [kimg],
    y: [value],
    mode: "markers",
    meta: [trial.key],
    marker: { symbol: "star", size: 11, color: colour, line: { width: 1, color: css("--panel") } },
    text: [label(trial)],
    hovertemplate: `%{text}<br><b>result %{y:.4g} on ${pictures} pictures</b><extra></extra>`,
  };
};

const coloured = (key) => slots.flatMap((name, slot) => {
  const trial = trials.get(name);
  if (!trial) return [];
  const colour = css(`--c${slot}`);
  const before = errors(trial, key) ? [band(trial, key, colour)] : [];
  const after = key === charts.metric && trial.result ? [star(trial, colour)] : [];
  return [...before, curve(trial, key, colour), ...after];
});

/* Who went on at a rung (open circles) and who was stopped there (bars); only where the metric is drawn. */
const decisions = (panel) => [false, true].map((stopped) => {
  const marks = { x: [], y: [], text: [] };
  const all = panel.key === charts.metric ? charts.trials : [];
  for (const trial of all) {
    for (const rung of trial.rungs) {
      if (rung.stopped !== stopped) continue;
      const cutoff = rung.cutoff == null ? "" : `<br>limit there: ${rung.cutoff.toPrecision(4)}`;
      const share = rung.variety == null ? "" : `${(100 * rung.variety).toFixed(0)} %`;
      const limit = share ? `<br>too little variety: ${share} of the real pictures'` : cutoff;
      const said = `${stopped ? "was stopped" : "went on"} at ${rung.kimg} kimg`;
      marks.x.push(rung.kimg);
      marks.y.push(rung.value);
      marks.text.push(`<b>${plain(trial.name)}</b> ${said}<br>${rung.value.toPrecision(4)}${limit}`);
    }
  }
  const colour = css(stopped ? "--stopped" : "--finished");
  const marker = stopped
    ? { symbol: "line-ew", size: 9, line: { width: 2.5, color: colour } }
    : { symbol: "circle-open", size: 9, color: colour, line: { width: 1.6, color: colour } };
  return { ...marks, mode: "markers", marker, hoverinfo: "text" };
});

/* A cross at the last value of every trial that collapsed; with its verdict where there is room. */
const crosses = (panel) => {
  const marks = { x: [], y: [], hovertext: [] };
  const verdicts = [];
  for (const trial of charts.trials) {
    const { collapse } = trial;
    const values = trial[panel.key].filter((value) => value != null);
    if (collapse?.kimg == null || !values.length) continue;
    const verdict = plain(collapse.verdict);
    marks.x.push(collapse.kimg);
    marks.y.push(panel.range ? Math.min(values.at(-1), panel.range[1]) : values.at(-1));
    marks.hovertext.push(`<b>${plain(trial.name)}</b> collapsed<br>${verdict} at ${collapse.kimg} kimg`);
    verdicts.push(verdict);
  }
  const named = charts.metric === panel.key && marks.x.length <= 6 && !SMALL.matches;
  const colour = css("--collapsed");
  return {
    ...marks,
    mode: named ? "markers+text" : "markers",
    marker: { symbol: "x-thin", size: 10, line: { width: 2.4, color: colour } },
    hoverinfo: "text",
    text: named ? verdicts : marks.hovertext,
    textposition: "middle right",
    textfont: { color: colour, size: 11 },
    cliponaxis: false,
  };
};

export const traces = (panel) => [
  grey(panel.key), ...coloured(panel.key), ...decisions(panel), crosses(panel),
];
