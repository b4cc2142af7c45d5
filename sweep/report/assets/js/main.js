/* The page: each of its parts, and what the reader had chosen before it was loaded anew. */

import { columns, LAST, showMoment, showSlider } from "./atlas.js";
import { showChips } from "./chips.js";
import { chosen } from "./choices.js";
import { showCurves } from "./curves.js";
import { showFilm, showView } from "./film.js";
import { watchForNewer } from "./live.js";
import { byId, report } from "./page.js";
import { showParallel } from "./parallel.js";
import { showSlices } from "./slices.js";
import { filterFor, showTable } from "./table.js";
import { showViewer } from "./viewer.js";

/* A link to a row that is filtered away, or to pictures while films are shown, brings its target back. */
const showTargets = () => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    const target = link && byId(link.getAttribute("href").slice(1));
    if (target?.closest("tbody") && target.hidden) filterFor("");
    if (target?.closest("#gallery[hidden]")) showView("cards");
  });
};

showCurves();
showChips();
showParallel();
showSlices();
showSlider();
showFilm();
showViewer();
showTable();
showTargets();
if (columns.length) showMoment(chosen.moment ?? LAST);
if (columns.length && chosen.view === "film") showView("film");
if (report.live) watchForNewer();
