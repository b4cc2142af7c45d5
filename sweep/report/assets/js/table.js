/* The table of trials: sorted by any column, and filtered. */

import { chosen, keep } from "./choices.js";
import { compare } from "./conditions.js";
import { onFilter, passes, sayCount } from "./filter.js";
import { byId } from "./page.js";

const table = byId("table");
const headings = () => [...table.tHead.rows[0].cells];

/* The name of a column; its place changes as results bring others. */
const nameOf = (heading) => heading.dataset.path || heading.dataset.name;

const sortBy = (column, down) => {
  for (const heading of headings()) heading.removeAttribute("aria-sort");
  headings()[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  const keyed = [...table.tBodies[0].rows].map((row) => [row.cells[column].dataset.key, row]);
  keyed.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // what is missing stays last
    return down ? compare(b, a) : compare(a, b);
  });
  table.tBodies[0].append(...keyed.map(([, row]) => row));
  keep({ sort: [nameOf(headings()[column]), down] });
};

const hideRows = () => {
  const rows = [...table.tBodies[0].rows];
  for (const row of rows) row.hidden = !passes(row.id.replace("trial-", ""));
  sayCount("filtered", rows.filter((row) => !row.hidden).length, rows.length);
};

export const showTable = () => {
  if (!table) return;
  headings().forEach((heading, column) => {
    const sort = () => sortBy(column, heading.getAttribute("aria-sort") === "ascending");
    heading.querySelector("button")?.addEventListener("click", sort);
  });
  onFilter(hideRows);
  const sorted = headings().findIndex((heading) => nameOf(heading) && nameOf(heading) === chosen.sort?.[0]);
  if (sorted >= 0) sortBy(sorted, chosen.sort[1]);
};
