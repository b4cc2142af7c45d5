/* The training of each trial side by side: a row for each trial, a column for each moment. */

import { arrange } from "./arrange.js";
import { cards, columns, frames, showMoment, shownMoment } from "./atlas.js";
import { keep } from "./choices.js";
import { byId, element, kimgs, trials } from "./page.js";
import { enlarge } from "./viewer.js";

const cell = (tag, column, properties = {}) => {
  const made = element(tag, properties);
  made.dataset.column = column;
  return made;
};

const still = (key, frame) => {
  const alt = `${trials.get(key).name}, ${frame.caption}`;
  const image = element("img", { src: frame.block, alt, loading: "lazy", decoding: "async" });
  const button = element("button", { type: "button", title: frame.caption }, image);
  button.addEventListener("click", () => {
    showMoment(frame.column);
    enlarge(cards.get(key), button);
  });
  return button;
};

const row = (key) => {
  const { name, best, rank, status } = trials.get(key);
  const said = best == null || rank == null ? status : best.toPrecision(4);
  const ordered = element("span", { className: "muted" });
  ordered.dataset.ordered = "";
  const heading = element(
    "th", { scope: "row" },
    element("a", { href: `#trial-${key}`, textContent: name }),
    element("span", { className: "muted", textContent: said }),
    ordered,
  );
  const cells = columns.map((_, column) => cell("td", column));
  for (const frame of frames.get(key)) cells[frame.column].append(still(key, frame));
  return element("tr", {}, heading, ...cells);
};

const fill = () => {
  const moments = columns.map((kimg, column) => cell("th", column, { scope: "col", textContent: kimgs(kimg) }));
  const head = element("tr", {}, element("th", { textContent: "Trial", scope: "col" }), ...moments);
  const body = element("tbody");
  byId("film").replaceChildren(element("table", {}, element("thead", {}, head), body));
  arrange(body, new Map([...cards.keys()].map((key) => [key, row(key)])));
};

/* Shows the pictures as `cards`, all at one moment, or as a `film`, all moments at once. */
export const showView = (view) => {
  keep({ view });
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  const film = byId("film");
  byId("gallery").hidden = view === "film";
  film.hidden = view !== "film";
  if (view === "film" && !film.firstChild) fill();
  showMoment(shownMoment());
};

export const showFilm = () => {
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => showView(button.dataset.view));
  }
};
