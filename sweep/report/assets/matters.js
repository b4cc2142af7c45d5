/* Parameters against the metric: parallel coordinates and slices. */

const MOST_AXES = 12;
const NOWHERE = -0.16; // where a line passes an axis on which its trial has no value
const ranked = charts.trials.filter((trial) => trial.healthy);
const fallen = charts.trials.filter((trial) => trial.collapse);
const short = (value) => {
  if (typeof value !== "number") return String(value);
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
};
const clip = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/* A parameter as an axis: where a value stands on it, from 0 to 1, and its ticks. */
const scale = (param, index) => {
  const values = charts.trials.map((trial) => trial.values[index]).filter((value) => value != null);
  if (!param.number) {
    const choices = [...new Set(values)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const at = (value) => (choices.length > 1 ? choices.indexOf(value) / (choices.length - 1) : 0.5);
    return { choices, at, ticks: choices.map((choice) => [at(choice), clip(choice, 16)]), varied: choices.length > 1 };
  }
  const curve = param.log ? Math.log10 : (value) => value;
  const low = curve(Math.min(...values)), high = curve(Math.max(...values));
  const at = (value) => (high > low ? (curve(value) - low) / (high - low) : 0.5);
  const back = (place) => { const value = low + place * (high - low); return param.log ? 10 ** value : value; };
  return { at, ticks: [0, 0.5, 1].map((place) => [place, short(back(place))]), varied: high > low };
};
const scales = charts.params.map(scale);
const varied = charts.params.map((param, index) => ({ param, index, scale: scales[index] }))
  .filter(({ scale: { varied: yes } }) => yes);

const metricAxis = () => {
  const values = ranked.map((trial) => trial.best);
  const low = Math.min(...values), high = charts.worst ? charts.worst[1] : Math.max(...values);
  const at = (value) => Math.min(1, high > low ? (value - low) / (high - low) : 0.5);
  return { at, ticks: [0, 0.5, 1].map((place) => [place, short(low + place * (high - low))]) };
};

const parallel = (place, axes) => () => {
  const metric = metricAxis();
  const heights = (trial) => [
    ...axes.map(({ index, scale: { at } }) => (trial.values[index] == null ? NOWHERE : at(trial.values[index]))),
    trial.healthy ? metric.at(trial.best) : null,
  ];
  const trace = (trials, style) => {
    const made = { x: [], y: [], text: [], meta: [] };
    for (const trial of trials) {
      const path = heights(trial);
      made.x.push(...path.keys(), null);
      made.y.push(...path, null);
      for (let i = 0; i <= path.length; i += 1) { made.text.push(label(trial)); made.meta.push(trial.key); }
    }
    return { ...made, mode: "lines", hovertemplate: "%{text}<extra></extra>", ...style };
  };
  const quarter = Math.ceil(ranked.length / 4) || 1;
  const accent = css("--accent");
  const groups = [3, 2, 1, 0].map((nth) => trace(ranked.slice(nth * quarter + (nth === 0 ? 1 : 0), (nth + 1) * quarter),
    { line: { color: rgba(accent, [0.62, 0.34, 0.2, 0.12][nth]), width: nth === 0 ? 1.6 : 1 } }));
  const dead = trace(fallen, { line: { color: rgba(css("--collapsed"), 0.55), width: 1, dash: "dot" } });
  const winner = trace(ranked.slice(0, 1), { line: { color: accent, width: 3.5 } });
  const all = [...axes.map(({ param, scale: { ticks } }) => [param.title, ticks]), [charts.metric.toUpperCase(), metric.ticks]];
  const ink = css("--ink"), muted = css("--muted");
  const lacking = (x) => axes[x] && charts.trials.some((trial) => trial.values[axes[x].index] == null);
  const layout = {
    ...appearance(), margin: { l: 40, r: 64, t: 34, b: 18 }, dragmode: false,
    xaxis: { visible: false, range: [-0.25, all.length - 0.6], fixedrange: true },
    yaxis: { visible: false, range: [NOWHERE - 0.06, 1.05], fixedrange: true },
    shapes: all.map((_, x) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, line: { color: muted, width: 1 } })),
    annotations: all.flatMap(([name, ticks], x) => [
      { x, y: 1.04, text: plain(clip(name, 18)), yanchor: "bottom", font: { color: ink, size: 12.5 } },
      ...[...ticks, ...(lacking(x) ? [[NOWHERE, "none"]] : [])].map(([y, text]) => ({ x, y, text: plain(text), xanchor: "left", xshift: 5, font: { size: 11, color: muted },
        bgcolor: rgba(css("--bg"), 0.72), borderpad: 1 })),
    ]).map((note) => ({ ...note, showarrow: false })),
  };
  Plotly.react(place, [dead, ...groups, winner], layout, tools(false));
  place.style.minWidth = `${all.length * (SMALL.matches ? 92 : 70)}px`;
  if (!place.dataset.clickable) {
    place.dataset.clickable = "true";
    place.on("plotly_click", ({ points }) => pick(points[0]?.data.meta?.[points[0].pointNumber]));
  }
};

/* The same shift for a trial on every draw, so that equal choices do not hide each other. */
const jitter = (position) => (((position * 0.618034) % 1) - 0.5) * 0.36;

const slice = (place, { param, index, scale: { choices } }) => () => {
  const limit = charts.worst?.[1] ?? Infinity;
  const bottom = Math.min(...ranked.map((trial) => trial.best));
  const top = Math.min(limit, Math.max(...ranked.map((trial) => trial.best)));
  const above = top + 0.09 * (top - bottom || Math.abs(top) || 1);
  const x = (trial) => {
    const value = trial.values[index];
    return param.number ? value : choices.indexOf(value) + jitter(charts.trials.indexOf(trial));
  };
  const trace = (trials, y, marker, more) => {
    const shown = trials.filter((trial) => trial.values[index] != null);
    return {
      x: shown.map(x), y: shown.map(y), text: shown.map(more), meta: shown.map((trial) => trial.key),
      mode: "markers", marker, hovertemplate: "%{text}<extra></extra>", cliponaxis: false,
    };
  };
  const value = (trial) => `${label(trial)}<br><b>${trial.best.toPrecision(4)}</b>`;
  const accent = css("--accent"), red = css("--collapsed");
  const dots = trace(ranked, (trial) => Math.min(trial.best, above),
    { color: rgba(accent, ranked.length > 200 ? 0.4 : 0.7), size: ranked.length > 200 ? 5 : 7 }, value);
  const winner = trace(ranked.slice(0, 1), (trial) => trial.best,
    { symbol: "circle-open", size: 14, color: css("--ink"), line: { width: 2 } }, value);
  const dead = trace(fallen, () => above, { symbol: "x-thin", size: 8, line: { width: 1.8, color: red } },
    (trial) => `${label(trial)}<br>${plain(trial.collapse.verdict)}`);
  const horizontal = param.number ? { type: param.log ? "log" : "linear", nticks: 6, exponentformat: "power",
    ...(param.log ? { dtick: scales[index].ticks[2][1] / scales[index].ticks[0][1] < 200 ? "D2" : 1 } : {}) }
    : { tickmode: "array", tickvals: [...choices.keys()], ticktext: choices.map((choice) => plain(clip(choice, 14))), range: [-0.6, choices.length - 0.4] };
  const layout = {
    ...appearance(), margin: { l: 56, r: 12, t: 8, b: 34 },
    xaxis: { ...axis(), showgrid: false, ...horizontal }, yaxis: { ...axis(), nticks: 5 },
  };
  Plotly.react(place, [dots, winner, dead], layout, tools(false));
};

const parallelPlace = document.getElementById("parallel");
if (parallelPlace) {
  if (ranked.length && varied.length) plot(parallelPlace, parallel(parallelPlace, varied.slice(0, MOST_AXES)));
  else parallelPlace.replaceWith(element("p", { className: "empty", textContent: "No trial can be ranked yet." }));
  for (const one of ranked.length ? varied : []) {
    const place = element("div", { className: "plot", role: "img" });
    place.setAttribute("aria-label", `${charts.label} against ${one.param.path}, a dot for each trial`);
    const heading = element("h3", { textContent: one.param.path });
    if (one.param.when) heading.append(element("span", { className: "muted", textContent: ` when ${one.param.when}` }));
    document.getElementById("slices").append(element("div", { className: "chart" }, heading, place));
    plot(place, slice(place, one));
  }
}
