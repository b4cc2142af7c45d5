/* Learning curves: the chosen trials in colour, all others in grey. */

const COLOURS = 8;
const LOGARITHMIC = ["kid", "fid"];
const slots = new Array(COLOURS).fill(null); // which trial has which colour
(chosen.slots ?? charts.shown).forEach((key, index) => { slots[index] = byKey.has(key) ? key : null; });

const rgba = (hex, alpha) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${alpha})`;
};
const METRICS = ["kid", "fid"]; // they depend on the number of pictures, or their error does
const point = (key) => (METRICS.includes(key) ? "%{y:.4g}%{customdata} at %{x} kimg" : "%{y:.4g} at %{x} kimg");
const notes = (trial, key) => trial.n_fake.map((count, i) => {
  const error = key === "kid" ? trial.kid_se[i] : null;
  return `${error == null ? "" : ` ± ${error.toPrecision(2)}`} on ${count} pictures`;
});
const hover = (key) => `%{text}<br><b>${point(key)}</b><extra></extra>`;

const others = (key) => {
  const trace = { x: [], y: [], text: [], customdata: [], ids: [] };
  for (const trial of charts.trials) {
    if (slots.includes(trial.key)) continue;
    trace.x.push(...trial.kimg, null);
    trace.y.push(...trial[key], null);
    for (let i = 0; i <= trial.kimg.length; i += 1) { trace.text.push(label(trial)); trace.ids.push(trial.key); }
    if (METRICS.includes(key)) trace.customdata.push(...notes(trial, key), "");
  }
  const single = charts.trials.some((trial) => trial.kimg.length === 1);
  const { ids, ...drawn } = trace;
  return {
    ...drawn, meta: ids, mode: single ? "lines+markers" : "lines", marker: { size: 3, color: css("--other") },
    line: { color: css("--other"), width: 1 }, hovertemplate: hover(key),
  };
};

const band = (trial, colour) => {
  const points = trial.kimg.map((kimg, i) => [kimg, trial.kid[i], trial.kid_se[i]])
    .filter(([, value, error]) => value != null && error != null);
  const upper = points.map(([, value, error]) => value + error);
  const lower = points.map(([, value, error]) => value - error);
  const x = points.map(([kimg]) => kimg);
  return {
    x: [...x, ...x.slice().reverse()], y: [...upper, ...lower.reverse()], mode: "lines", line: { width: 0 },
    fill: "toself", fillcolor: rgba(colour, 0.16), hoverinfo: "skip",
  };
};

const coloured = (key) => slots.flatMap((name, slot) => {
  const trial = byKey.get(name);
  if (!trial) return [];
  const colour = css(`--c${slot}`);
  const line = {
    x: trial.kimg, y: trial[key], text: trial.kimg.map(() => label(trial)), meta: trial.kimg.map(() => trial.key),
    customdata: METRICS.includes(key) ? notes(trial, key) : undefined, hovertemplate: hover(key), mode: "lines+markers",
    line: { color: colour, width: 2 }, marker: { color: colour, size: 4 },
  };
  const star = key === charts.metric && trial.result ? [{
    x: [trial.result[0]], y: [trial.result[1]], mode: "markers", meta: [trial.key],
    marker: { symbol: "star", size: 11, color: colour, line: { width: 1, color: css("--panel") } },
    text: [label(trial)], hovertemplate: `%{text}<br><b>result %{y:.4g} on ${trial.result[2]} pictures</b><extra></extra>`,
  }] : [];
  return key === "kid" ? [band(trial, colour), line, ...star] : [line, ...star];
});

/* Who went on at a rung (open circles) and who was stopped there (bars); only where the metric is drawn. */
const survivors = (panel) => [false, true].map((stopped) => {
  const marks = { x: [], y: [], text: [] };
  if (panel.key === charts.metric) {
    for (const trial of charts.trials) {
      for (const [kimg, value, cutoff, out] of trial.rungs) {
        if (out !== stopped) continue;
        const limit = cutoff == null ? "" : `<br>limit there: ${cutoff.toPrecision(4)}`;
        marks.x.push(kimg);
        marks.y.push(value);
        marks.text.push(`<b>${plain(trial.name)}</b> ${out ? "was stopped" : "went on"} at ${kimg} kimg<br>${value.toPrecision(4)}${limit}`);
      }
    }
  }
  const colour = css(stopped ? "--stopped" : "--finished");
  const marker = stopped ? { symbol: "line-ew", size: 9, line: { width: 2.5, color: colour } }
    : { symbol: "circle-open", size: 9, color: colour, line: { width: 1.6, color: colour } };
  return { ...marks, mode: "markers", marker, hoverinfo: "text" };
});

const crosses = (panel) => {
  const marks = { x: [], y: [], text: [] };
  for (const trial of charts.trials) {
    const collapse = trial.collapse;
    const values = trial[panel.key].filter((value) => value != null);
    if (collapse?.kimg == null || !values.length) continue;
    let value = values[values.length - 1];
    if (panel.range) value = Math.min(value, panel.range[1]);
    marks.x.push(collapse.kimg);
    marks.y.push(value);
    marks.text.push(`<b>${plain(trial.name)}</b> collapsed<br>${plain(collapse.verdict)} at ${collapse.kimg} kimg`);
  }
  const marker = { symbol: "x-thin", size: 10, line: { width: 2.4, color: css("--collapsed") } };
  const named = charts.metric === panel.key && marks.x.length <= 6 && !SMALL.matches;
  const verdicts = charts.trials.filter((trial) => trial.collapse?.kimg != null && trial[panel.key].some((v) => v != null))
    .map((trial) => plain(trial.collapse.verdict));
  return {
    ...marks, mode: named ? "markers+text" : "markers", marker, hoverinfo: "text", hovertext: marks.text,
    text: named ? verdicts : marks.text, textposition: "middle right", textfont: { color: css("--collapsed"), size: 11 },
    cliponaxis: false,
  };
};

const vertical = (panel) => {
  if (chosen.log && LOGARITHMIC.includes(panel.key)) {
    return { type: "log", autorange: true, tickmode: "array", tickvals: decades(), ticktext: decades().map(String) };
  }
  return { type: "linear", tickmode: "auto", ...(panel.range ? { range: panel.range } : { autorange: true }) };
};

const END = Math.max(1, ...charts.trials.map((trial) => trial.kimg[trial.kimg.length - 1] ?? 0));
const curveLayout = (panel, large, width) => {
  const muted = css("--muted");
  const rungs = charts.rungs.filter((rung) => rung.kimg <= END * 1.02);
  const room = rungs.every((rung, i) => i === 0 || (rung.kimg - rungs[i - 1].kimg) / END * (width - 80) > 190);
  return {
    ...appearance(),
    margin: { l: 56, r: 12, t: large ? 26 : 10, b: large ? 48 : 34 },
    xaxis: { ...axis(), range: [0, END * 1.02], showgrid: false, ...(large ? { title: { text: "kimg", standoff: 6 } } : {}) },
    yaxis: { ...axis(), ...vertical(panel) },
    shapes: rungs.map((rung) => ({
      type: "line", x0: rung.kimg, x1: rung.kimg, y0: 0, y1: 1, yref: "paper", layer: "below",
      line: { color: muted, width: 1, dash: "dot" },
    })),
    annotations: !large || !room ? [] : rungs.map((rung) => ({
      x: rung.kimg, y: 1, yref: "paper", yanchor: "bottom", text: plain(rung.label), showarrow: false,
      xanchor: rung.kimg > END * 0.85 ? "right" : "left", font: { size: 12, color: muted },
    })),
  };
};

const curve = (panel, place, large) => () => {
  const traces = [others(panel.key), ...coloured(panel.key), ...survivors(panel), crosses(panel)];
  Plotly.react(place, traces, curveLayout(panel, large, place.clientWidth), tools(large));
  if (!place.dataset.clickable) {
    place.dataset.clickable = "true";
    place.on("plotly_click", ({ points }) => pick(points[0]?.data.meta?.[points[0].pointNumber]));
  }
};

const setSlots = () => { keep({ slots: [...slots] }); chips(); redraw(); };
/* Colours a trial that has none, if a colour is free; else it takes the last one's. */
const pick = (key) => {
  if (!byKey.has(key) || slots.includes(key)) return;
  const free = slots.indexOf(null);
  slots[free === -1 ? COLOURS - 1 : free] = key;
  setSlots();
};

const chips = () => {
  const place = document.getElementById("chips");
  if (!place) return;
  const made = slots.flatMap((key, slot) => {
    const trial = byKey.get(key);
    if (!trial) return [];
    const swatch = element("i");
    swatch.style.background = css(`--c${slot}`);
    const chip = element("button", { type: "button", className: "chip", title: "Take this trial out of the colours" },
      swatch, trial.name, element("b", { textContent: "✕", ariaHidden: "true" }));
    chip.setAttribute("aria-label", `${trial.name}: take it out of the colours`);
    chip.addEventListener("click", () => {
      slots[slot] = null;
      setSlots();
      document.querySelector("#chips button, #chips select")?.focus();
    });
    return [chip];
  });
  const rest = charts.trials.filter((trial) => !slots.includes(trial.key) && trial.kimg.length);
  if (rest.length && slots.includes(null)) {
    const select = element("select", {}, element("option", { textContent: "Colour another trial", value: "" }),
      ...rest.map((trial) => element("option", { value: trial.key, textContent: `${trial.name}, ${trial.status}` })));
    select.setAttribute("aria-label", "Colour another trial");
    select.addEventListener("change", () => {
      pick(select.value);
      document.querySelector("#chips select, #chips button")?.focus();
    });
    made.push(select);
  }
  const log = element("button", { type: "button", className: "chip", textContent: "Log scale",
    title: "Draw KID and FID on a logarithmic axis; values below zero are not shown" });
  log.setAttribute("aria-pressed", String(chosen.log));
  log.addEventListener("click", () => {
    keep({ log: !chosen.log });
    chips();
    redraw();
    document.querySelector("#chips [aria-pressed]").focus();
  });
  place.replaceChildren(...made, log);
};

const chartsPlace = document.getElementById("charts");
if (chartsPlace) {
  charts.panels.forEach((panel, index) => {
    const place = element("div", { className: "plot", role: "img" });
    place.setAttribute("aria-label", `${panel.title} against kimg, a line for each trial`);
    const parts = [element("h3", { textContent: panel.title }), place];
    if (panel.range) parts.push(element("p", { className: "muted",
      textContent: "A few values lie above this axis; double-click to see all." }));
    chartsPlace.append(element("div", { className: "chart" }, ...parts));
    plot(place, curve(panel, place, index === 0));
  });
  chips();
  DARK.addEventListener("change", chips);
}
