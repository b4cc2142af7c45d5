/* Learning curves: a panel for each measure, the chosen trials in colour, all others in grey. */

import { chosen } from "./choices.js";
import { pickByClick } from "./colours.js";
import { byId, charts, css, element } from "./page.js";
import { appearance, axis, plain, plot, tools } from "./plots.js";
import { traces } from "./traces.js";

const END = Math.max(1, ...charts.trials.map((trial) => trial.kimg.at(-1) ?? 0));

/* One, two and five of every power of ten: the ticks of a logarithmic axis. */
const decades = () => {
  const values = [];
  for (let power = -12; power < 12; power += 1) values.push(...[1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  return values;
};

const vertical = (panel) => {
  if (chosen.log && panel.key in charts.errors) {
    return { type: "log", autorange: true, tickmode: "array", tickvals: decades(), ticktext: decades().map(String) };
  }
  return { type: "linear", tickmode: "auto", ...(panel.range ? { range: panel.range } : { autorange: true }) };
};

const layout = (panel, large, width) => {
  const muted = css("--muted");
  const rungs = charts.rungs.filter((rung) => rung.kimg <= END * 1.02);
  const apart = (rung, i) => i === 0 || (rung.kimg - rungs[i - 1].kimg) / END * (width - 80) > 190;
  const named = large && rungs.every(apart) ? rungs : [];
  return {
    ...appearance(),
    margin: { l: 56, r: 12, t: large ? 26 : 10, b: large ? 48 : 34 },
    xaxis: {
      ...axis(),
      range: [0, END * 1.02],
      showgrid: false,
      ...(large ? { title: { text: "kimg", standoff: 6 } } : {}),
    },
    yaxis: { ...axis(), ...vertical(panel) },
    shapes: rungs.map(({ kimg }) => ({
      type: "line", x0: kimg, x1: kimg, y0: 0, y1: 1, yref: "paper", layer: "below",
      line: { color: muted, width: 1, dash: "dot" },
    })),
    annotations: named.map((rung) => ({
      x: rung.kimg, y: 1, yref: "paper", yanchor: "bottom", text: plain(rung.label), showarrow: false,
      xanchor: rung.kimg > END * 0.85 ? "right" : "left", font: { size: 12, color: muted },
    })),
  };
};

const draw = (panel, place, large) => () => {
  Plotly.react(place, traces(panel), layout(panel, large, place.clientWidth), tools(large));
  pickByClick(place);
};

export const showCurves = () => {
  const panels = byId("charts") ? charts.panels : [];
  panels.forEach((panel, index) => {
    const place = element("div", { className: "plot", role: "img" });
    place.setAttribute("aria-label", `${panel.title} against kimg, a line for each trial`);
    const cut = "A few values lie above this axis; double-click to see all.";
    const note = panel.range ? [element("p", { className: "muted", textContent: cut })] : [];
    const title = element("h3", { textContent: panel.title });
    byId("charts").append(element("div", { className: "chart" }, title, place, ...note));
    plot(place, draw(panel, place, index === 0));
  });
};
