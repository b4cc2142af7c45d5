/* The table of trials: sorting and filtering. */

import { chosen, keep } from "./choices.js";
import { byId } from "./page.js";

const table = byId("table");
const box = byId("filter");
const headings = () => [...table.tHead.rows[0].cells];

const compare = (first, second) => {
  const [a, b] = [Number(first), Number(second)];
  return Number.isNaN(a) || Number.isNaN(b) ? first.localeCompare(second, "en", { numeric: true }) : a - b;
};

const sortBy = (column, down) => {
  for (const heading of headings()) heading.removeAttribute("aria-sort");
  headings()[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  const keyed = [...table.tBodies[0].rows].map((row) => [row.cells[column].dataset.key, row]);
  keyed.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // what is missing stays last
    return down ? compare(b, a) : compare(a, b);
  });
  table.tBodies[0].append(...keyed.map(([, row]) => row));
  keep({ sort: [column, down] });
};

const COMPARISONS = {
  "=": (a, b) => compare(a, b) === 0 || a.toLowerCase().startsWith(b.toLowerCase()),
  "<": (a, b) => compare(a, b) < 0,
  ">": (a, b) => compare(a, b) > 0,
  "<=": (a, b) => compare(a, b) <= 0,
  ">=": (a, b) => compare(a, b) >= 0,
};

/* The column of that name or path; else the first whose name begins so; -1 if there is none. */
const columnOf = (words) => {
  const wanted = words.toLowerCase();
  const names = headings().map(({ dataset }) => [dataset.name?.toLowerCase(), dataset.path?.toLowerCase()]);
  const exact = names.findIndex((both) => both.includes(wanted));
  return exact >= 0 ? exact : names.findIndex(([name]) => name?.startsWith(wanted));
};

/* `lr_g<1e-4` compares a column; anything else is looked for in all cells. */
const condition = (word) => {
  const [, name, sign, value] = /^([^<>=]+)(<=|>=|<|>|=)(.+)$/.exec(word) ?? [];
  const column = name ? columnOf(name) : -1;
  if (column < 0) return (row) => row.textContent.toLowerCase().includes(word.toLowerCase());
  return (row) => {
    const { key } = row.cells[column].dataset;
    return key !== "" && COMPARISONS[sign](key, value);
  };
};

/* Shows the rows in which all words hold. */
const filterBy = (words) => {
  const conditions = words.split(/[\s,]+/).filter(Boolean).map(condition);
  const rows = [...table.tBodies[0].rows];
  for (const row of rows) row.hidden = !conditions.every((holds) => holds(row));
  const shown = rows.filter((row) => !row.hidden).length;
  byId("filtered").textContent = shown === rows.length ? `${shown} trials` : `${shown} of ${rows.length} trials`;
  keep({ filter: words });
};

/* Puts words into the box and filters by them; no words show every row. */
export const filterFor = (words) => {
  box.value = words;
  filterBy(words);
};

export const showTable = () => {
  if (!table) return;
  headings().forEach((heading, column) => {
    const sort = () => sortBy(column, heading.getAttribute("aria-sort") === "ascending");
    heading.querySelector("button")?.addEventListener("click", sort);
  });
  box.addEventListener("input", () => filterBy(box.value));
  if (chosen.sort) sortBy(...chosen.sort);
  if (chosen.filter) filterFor(chosen.filter);
};
