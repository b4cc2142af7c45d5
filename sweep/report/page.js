"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("data").textContent).charts;
  const COLOURS = 8;
  const SMALL = window.matchMedia("(max-width: 640px)");
  const TOUCH = window.matchMedia("(pointer: coarse)");

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  // plotly.js reads a few tags in its labels; names and values are never meant as tags.
  const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  /* ---- curves ---------------------------------------------------------------------------------------- */

  const LOGARITHMIC = ["kid", "fid"];
  let logarithmic = false;
  const slots = new Array(COLOURS).fill(null); // which trial has which colour
  charts.shown.forEach((trial, index) => { slots[index] = trial; });
  const byNumber = new Map(charts.trials.map((trial) => [trial.trial, trial]));
  const collapses = new Map(charts.collapses.map((collapse) => [collapse.trial, collapse]));

  const hover = (trial, key) => {
    const about = trial.about.map(plain).join("<br>");
    return trial.kimg.map((kimg, i) => {
      const value = trial[key][i];
      const error = key === "kid" && trial.kid_se[i] != null ? ` ± ${trial.kid_se[i].toPrecision(2)}` : "";
      const shown = value == null ? "" : `${Number(value.toPrecision(4))}${error} at ${kimg} kimg<br>`;
      return `<b>trial ${trial.trial}</b>, ${plain(trial.status)}<br>${shown}${about}`;
    });
  };

  const rgba = (hex, alpha) => {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    return `rgba(${r},${g},${b},${alpha})`;
  };

  const others = (key) => {
    const trace = { x: [], y: [], text: [] };
    for (const trial of charts.trials) {
      if (slots.includes(trial.trial)) continue;
      trace.x.push(...trial.kimg, null);
      trace.y.push(...trial[key], null);
      trace.text.push(...hover(trial, key), "");
    }
    const line = { color: css("--other"), width: 1 };
    const single = charts.trials.some((trial) => trial.kimg.length === 1);
    return { ...trace, mode: single ? "lines+markers" : "lines", marker: { size: 3 }, line, hoverinfo: "text" };
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

  const coloured = (key) => slots.flatMap((number, slot) => {
    const trial = byNumber.get(number);
    if (!trial) return [];
    const colour = css(`--c${slot}`);
    const line = {
      x: trial.kimg, y: trial[key], text: hover(trial, key), hoverinfo: "text", mode: "lines+markers",
      line: { color: colour, width: 2 }, marker: { color: colour, size: 4 },
    };
    return key === "kid" ? [band(trial, colour), line] : [line];
  });

  const crosses = (panel) => {
    const marks = { x: [], y: [], text: [] };
    for (const [number, collapse] of collapses) {
      const trial = byNumber.get(number);
      const values = trial ? trial[panel.key].filter((value) => value != null) : [];
      if (collapse.kimg == null || !values.length) continue;
      let value = values[values.length - 1];
      if (panel.range) value = Math.min(value, panel.range[1]);
      marks.x.push(collapse.kimg);
      marks.y.push(value);
      marks.text.push(`<b>trial ${number}</b> collapsed<br>${plain(collapse.verdict)} at ${collapse.kimg} kimg`);
    }
    const marker = { symbol: "x-thin", size: 9, line: { width: 2, color: css("--collapsed") } };
    return { ...marks, mode: "markers", marker, hoverinfo: "text" };
  };

  const vertical = (panel) => {
    if (logarithmic && LOGARITHMIC.includes(panel.key)) {
      const values = [];
      for (let power = -9; power < 9; power += 1) values.push(...[1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
      return { type: "log", autorange: true, tickmode: "array", tickvals: values, ticktext: values.map(String) };
    }
    return { type: "linear", tickmode: "auto", ...(panel.range ? { range: panel.range } : { autorange: true }) };
  };

  const layout = (panel, large, width) => {
    const line = css("--line"), muted = css("--muted");
    const end = Math.max(1, ...charts.trials.flatMap((trial) => trial.kimg));
    const axis = { gridcolor: line, zeroline: false, linecolor: line, tickcolor: line };
    const rungs = charts.rungs.filter((rung) => rung.kimg <= end * 1.02);
    const room = rungs.every((rung, i) => i === 0 || (rung.kimg - rungs[i - 1].kimg) / end * (width - 80) > 190);
    return {
      margin: { l: 56, r: 12, t: large ? 26 : 10, b: large ? 48 : 34 }, showlegend: false, hovermode: "closest",
      dragmode: TOUCH.matches ? false : "zoom", paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: muted },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: muted, activecolor: css("--ink") },
      hoverlabel: { bgcolor: css("--panel"), bordercolor: line, font: { color: css("--ink"), size: 12 }, align: "left" },
      xaxis: { ...axis, range: [0, end * 1.02], showgrid: false, ...(large ? { title: { text: "kimg", standoff: 6 } } : {}) },
      yaxis: { ...axis, ...vertical(panel) },
      shapes: rungs.map((rung) => ({
        type: "line", x0: rung.kimg, x1: rung.kimg, y0: 0, y1: 1, yref: "paper", layer: "below",
        line: { color: muted, width: 1, dash: "dot" },
      })),
      annotations: !large || !room ? [] : rungs.map((rung) => ({
        x: rung.kimg, y: 1, yref: "paper", yanchor: "bottom", text: plain(rung.label), showarrow: false,
        xanchor: rung.kimg > end * 0.85 ? "right" : "left", font: { size: 12, color: muted },
      })),
    };
  };

  const plots = [];
  const draw = () => {
    for (const { panel, plot, large } of plots) {
      const traces = [others(panel.key), ...coloured(panel.key), crosses(panel)];
      const config = { displaylogo: false, responsive: true, displayModeBar: large && !TOUCH.matches ? "hover" : false,
        modeBarButtons: [["toImage", "resetScale2d"]] };
      Plotly.react(plot, traces, layout(panel, large, plot.clientWidth), config);
    }
  };

  const chips = () => {
    const place = document.getElementById("chips");
    const made = slots.flatMap((number, slot) => {
      if (number === null) return [];
      const swatch = element("i");
      swatch.style.background = css(`--c${slot}`);
      const chip = element("button", { type: "button", className: "chip", title: "Take this trial out of the colours" },
        swatch, `Trial ${number}`, element("b", { textContent: "✕", ariaHidden: "true" }));
      chip.setAttribute("aria-label", `Trial ${number}: take it out of the colours`);
      chip.addEventListener("click", () => { slots[slot] = null; update(); });
      return [chip];
    });
    const rest = charts.trials.filter((trial) => !slots.includes(trial.trial));
    if (rest.length && slots.includes(null)) {
      const select = element("select", {}, element("option", { textContent: "Colour another trial", value: "" }),
        ...rest.map((trial) => element("option", { value: trial.trial, textContent: `Trial ${trial.trial}, ${trial.status}` })));
      select.setAttribute("aria-label", "Colour another trial");
      select.addEventListener("change", () => {
        slots[slots.indexOf(null)] = Number(select.value);
        update();
        document.querySelector("#chips select, #chips button")?.focus();
      });
      made.push(select);
    }
    const log = element("button", { type: "button", className: "chip", textContent: "Log scale",
      title: "Draw KID and FID on a logarithmic axis; values below zero are not shown" });
    log.setAttribute("aria-pressed", String(logarithmic));
    log.addEventListener("click", () => {
      logarithmic = !logarithmic;
      update();
      document.querySelector("#chips [aria-pressed]").focus();
    });
    place.replaceChildren(...made, log);
  };

  const update = () => { chips(); draw(); };

  const place = document.getElementById("charts");
  if (place) {
    charts.panels.forEach((panel, index) => {
      const plot = element("div", { className: "plot", role: "img" });
      plot.setAttribute("aria-label", `${panel.title} against kimg, a line for each trial`);
      const parts = [element("h3", { textContent: panel.title }), plot];
      if (panel.range) parts.push(element("p", { className: "muted",
        textContent: "A few values lie above this axis; double-click to see all." }));
      place.append(element("div", { className: "chart" }, ...parts));
      plots.push({ panel, plot, large: index === 0 });
    });
    update();
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
    SMALL.addEventListener("change", draw);
  }

  /* ---- pictures -------------------------------------------------------------------------------------- */

  const viewer = document.getElementById("viewer");
  const buttons = [...document.querySelectorAll("#gallery button")];
  let current = 0;
  const show = (index) => {
    current = (index + buttons.length) % buttons.length;
    const picture = buttons[current].querySelector("img");
    const image = document.getElementById("viewer-image");
    image.src = picture.src;
    image.alt = picture.alt;
    const real = document.getElementById("real");
    const beside = real && picture !== real && !SMALL.matches ? [element("img", { src: real.src, alt: real.alt })] : [];
    document.querySelector(".viewer-pair").replaceChildren(image, ...beside);
    document.getElementById("viewer-caption").textContent =
      buttons[current].dataset.caption + (beside.length ? " Beside them: real pictures." : "");
    if (!viewer.open) viewer.showModal();
  };
  buttons.forEach((button, index) => button.addEventListener("click", () => show(index)));
  document.getElementById("viewer-previous").addEventListener("click", () => show(current - 1));
  document.getElementById("viewer-next").addEventListener("click", () => show(current + 1));
  document.getElementById("viewer-close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  viewer.addEventListener("close", () => buttons[current].focus());
  viewer.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { event.preventDefault(); show(current + step); }
  });

  /* ---- table ----------------------------------------------------------------------------------------- */

  const table = document.getElementById("table");
  const compare = (first, second) => {
    const [a, b] = [Number(first), Number(second)];
    return Number.isNaN(a) || Number.isNaN(b) ? first.localeCompare(second) : a - b;
  };
  const sort = (column, heading) => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = [...table.tBodies[0].rows].map((row) => [row.cells[column].dataset.key, row]);
    keyed.sort(([a], [b]) => {
      if (a === "" || b === "") return (a === "") - (b === ""); // what is missing stays last
      return down ? compare(b, a) : compare(a, b);
    });
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  };
  if (table) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      heading.querySelector("button").addEventListener("click", () => sort(column, heading));
    });
  }
})();
