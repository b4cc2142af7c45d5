/* The page: each of its parts, and what the reader had chosen before it was loaded anew. */

import { showOrder } from "./arrange.js";
import { columns, LAST, showMoment, showSlider } from "./atlas.js";
import { showChips } from "./chips.js";
import { chosen } from "./choices.js";
import { showCurves } from "./curves.js";
import { showFilm, showView } from "./film.js";
import { filterFor, showFilter } from "./filter.js";
import { watchForNewer } from "./live.js";
import { byId, report } from "./page.js";
import { showParallel } from "./parallel.js";
import { showSheet } from "./sheet.js";
import { showSlices } from "./slices.js";
import { showTable } from "./table.js";
import { showViewer } from "./viewer.js";

/* Brings back what a link leads to: a trial that is filtered away, or pictures while films are shown. */
const bringBack = (link) => {
  const target = byId(link.slice(1));
  if (target?.hidden) filterFor("");
  if (target?.closest("#gallery[hidden]")) showView("cards");
};

const showTargets = () => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (link) bringBack(link.getAttribute("href"));
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
showOrder();
showFilter();
showTargets();
showSheet();
if (columns.length) showMoment(chosen.moment ?? LAST);
if (columns.length && chosen.view === "film") showView("film");
if (report.live) watchForNewer();
