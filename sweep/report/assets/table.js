/* The table of trials: sorting and filtering. */

const table = document.getElementById("table");
const compare = (first, second) => {
  const [a, b] = [Number(first), Number(second)];
  return Number.isNaN(a) || Number.isNaN(b) ? first.localeCompare(second, "en", { numeric: true }) : a - b;
};
const sort = (column, down) => {
  const headings = table.tHead.rows[0].cells;
  for (const other of headings) other.removeAttribute("aria-sort");
  headings[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  const keyed = [...table.tBodies[0].rows].map((row) => [row.cells[column].dataset.key, row]);
  keyed.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // what is missing stays last
    return down ? compare(b, a) : compare(a, b);
  });
  table.tBodies[0].append(...keyed.map(([, row]) => row));
  keep({ sort: [column, down] });
};

/* "lr_g<1e-4" compares a column; anything else is looked for in all cells. All words must hold. */
const COMPARISONS = {
  "=": (a, b) => compare(a, b) === 0 || a.toLowerCase().startsWith(b.toLowerCase()), "<": (a, b) => compare(a, b) < 0,
  ">": (a, b) => compare(a, b) > 0, "<=": (a, b) => compare(a, b) <= 0, ">=": (a, b) => compare(a, b) >= 0,
};
const columnOf = (name) => {
  const wanted = name.toLowerCase();
  const cells = [...table.tHead.rows[0].cells];
  const exact = cells.findIndex(({ dataset }) => [dataset.name, dataset.path].some((one) => one?.toLowerCase() === wanted));
  return exact >= 0 ? exact : cells.findIndex(({ dataset }) => dataset.name?.toLowerCase().startsWith(wanted));
};
const condition = (word) => {
  const [, name, sign, value] = /^([^<>=]+)(<=|>=|<|>|=)(.+)$/.exec(word) ?? [];
  const column = name ? columnOf(name) : -1;
  if (column >= 0) {
    return (row) => {
      const key = row.cells[column].dataset.key;
      return key !== "" && COMPARISONS[sign](key, value);
    };
  }
  return (row) => row.textContent.toLowerCase().includes(word.toLowerCase());
};
const filter = (words) => {
  const conditions = words.split(/[\s,]+/).filter(Boolean).map(condition);
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    row.hidden = !conditions.every((holds) => holds(row));
    shown += row.hidden ? 0 : 1;
  }
  const all = table.tBodies[0].rows.length;
  document.getElementById("filtered").textContent = shown === all ? `${all} trials` : `${shown} of ${all} trials`;
  keep({ filter: words });
};

if (table) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    heading.querySelector("button")?.addEventListener("click", () => sort(column, heading.getAttribute("aria-sort") === "ascending"));
  });
  const box = document.getElementById("filter");
  box.addEventListener("input", () => filter(box.value));
  if (chosen.sort) sort(...chosen.sort);
  if (chosen.filter) { box.value = chosen.filter; filter(box.value); }
}
/* A link to a row that is filtered away, or to pictures while films are shown, brings it back. */
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='#']");
  const target = link && document.getElementById(link.getAttribute("href").slice(1));
  if (target?.closest("tbody") && target.hidden) { document.getElementById("filter").value = ""; filter(""); }
  if (target?.closest("#gallery[hidden]")) setView("cards");
});
