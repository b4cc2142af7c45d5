/* The pinned pictures: in the order of a walk, each to be saved; and the commands that make them again. */

import { byId, make, say, show } from "./page.js";
import { about, called, choose, fileFor, pictureAt, state, whenChanged } from "./state.js";
import { togglePin } from "./grid.js";

const list = byId("pins");

const earlier = (place) => {
  const pins = [...state.pins];
  [pins[place - 1], pins[place]] = [pins[place], pins[place - 1]];
  choose({ pins });
  say(`${called(pins[place - 1])} is number ${place} of the walk`);
  // At the top there is no further up; never onto the button beside it, which unpins.
  list.children[place - 1].querySelector("[data-does='up'], a").focus();
};

const unpin = (picture, place) => {
  togglePin(picture);
  const next = list.children[Math.min(place, list.children.length - 1)];
  (next?.querySelector("[data-does='unpin']") ?? byId("pinned")).focus();
};

const item = (picture, place) => {
  const image = make("img", { width: 64, height: 64 });
  const does = make(
    "span",
    { class: "pin-does" },
    place > 0 ? make("button", { type: "button", class: "quiet", "data-does": "up", "aria-label": `Move ${called(picture)} up`, onclick: () => earlier(place) }, "↑") : "",
    make("a", { class: "button quiet", href: pictureAt(picture), download: fileFor(picture, "png"), "aria-label": `Save ${called(picture)} as PNG` }, "PNG"),
    make("button", { type: "button", class: "quiet", "data-does": "unpin", "aria-label": `Unpin ${called(picture)}`, onclick: () => unpin(picture, place) }, "Unpin"),
  );
  show(image, pictureAt(picture), "");
  return make("li", {}, image, make("span", {}, make("span", { class: "pin-name" }, called(picture)), does));
};

const draw = () => {
  const count = state.pins.length;
  list.replaceChildren(...state.pins.map(item));
  byId("pinned-count").textContent = count;
  byId("no-pins").hidden = count > 0;
  byId("unpin-all").hidden = count < 2;
  byId("to-pins").hidden = !count;
  byId("to-pins").textContent = count > 1 ? `${count} pinned: walk, save …` : "1 pinned: save, or pin another …";
};

/* A word as a shell takes it. */
const quoted = (word) => (/^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`);

const command = (seed, label, count, out) =>
  [
    `${about.command} --seed ${seed} --count ${count}`,
    label && `--class ${quoted(about.classes[label])}`,
    state.truncation !== 1 && `--truncation ${state.truncation}`,
    `--out ${out}`,
  ]
    .filter(Boolean)
    .join(" ");

const writeCommands = () => {
  const lines = ["# all that are shown", command(state.seed, state.label, state.count, `seed-${state.seed}.png`)];
  const most = new Map();
  for (const pin of state.pins) {
    const [seed, number, label = ""] = pin.split("-");
    const key = `${seed}-${label}`;
    const files = [...(most.get(key)?.files ?? []), number.padStart(5, "0")];
    most.set(key, { seed, label, files, count: Math.max(most.get(key)?.count ?? 0, Number(number) + 1) });
  }
  for (const { seed, label, files, count } of most.values()) {
    const folder = `seed-${seed}${label && `-class-${label}`}`;
    lines.push(`# pinned: ${files.map((file) => `${folder}/${file}.png`).join(", ")}`, command(seed, label, count, folder));
  }
  byId("commands").textContent = lines.join("\n");
};

export const showPins = () => {
  byId("unpin-all").addEventListener("click", () => {
    choose({ pins: [] });
    say("Nothing is pinned");
    byId("pinned").focus();
  });
  byId("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(byId("commands").textContent);
    say("Copied");
  });
  whenChanged(draw);
  whenChanged(writeCommands);
};
