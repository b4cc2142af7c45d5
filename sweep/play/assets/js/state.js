/* What the reader has chosen. It stands behind the # of the page's address, so that a link brings all of it back. */

export const PAGE = 24;
const FIRST = { seed: "0", label: "", truncation: 1, count: PAGE, pins: [] };
const PICTURE = /^\d{1,19}-\d{1,4}(-\d{1,4})?$/;

export const about = {};
export const state = { ...FIRST };
const listeners = [];

export const whenChanged = (listener) => listeners.push(listener);

export const isSeed = (text) => /^\d{1,19}$/.test(text) && BigInt(text) < 2n ** 63n;

const written = () => {
  const words = new URLSearchParams({ seed: state.seed });
  if (state.count !== PAGE) words.set("count", state.count);
  if (state.label) words.set("class", state.label);
  if (state.truncation !== 1) words.set("truncation", state.truncation);
  if (state.pins.length) words.set("pins", state.pins.join("."));
  return `#${words}`;
};

const within = (value, least, most, otherwise) => (value >= least && value <= most ? value : otherwise);

const knows = (label) => label === "" || (/^\d{1,4}$/.test(label) && Number(label) < about.classes.length);

/* Take over what an address says, as far as this generator can do it. */
export const read = () => {
  const words = new URLSearchParams(location.hash.slice(1));
  const seed = words.get("seed") ?? FIRST.seed;
  const label = words.get("class") ?? "";
  const pins = (words.get("pins") ?? "").split(".").filter((pin) => PICTURE.test(pin));
  Object.assign(state, {
    seed: isSeed(seed) ? seed : FIRST.seed,
    label: knows(label) ? label : "",
    truncation: about.styles ? Math.round(100 * within(Number(words.get("truncation") ?? 1), 0, 1.5, 1)) / 100 : 1,
    count: Math.round(within(Number(words.get("count") ?? PAGE), 1, about.most, PAGE)),
    pins: [...new Set(pins)].filter((pin) => knows(pin.split("-")[2] ?? "")).slice(0, about.stops),
  });
};

export const tell = () => {
  for (const listener of listeners) listener();
};

/* Choose something else; a step is one that the browser's button goes back over. */
export const choose = (values, step = false) => {
  Object.assign(state, values);
  history[step ? "pushState" : "replaceState"](null, "", written());
  tell();
};

export const numbered = (number) => `${state.seed}-${number}${state.label && `-${state.label}`}`;

const labelOf = (picture) => {
  const [, number, label] = picture.split("-");
  return about.classes.length ? Number(label ?? about.labels[number]) : null;
};

export const classOf = (picture) => about.classes[labelOf(picture)] ?? "";

/* What a picture is called for people: its seed, its number, its class. */
export const called = (picture) => {
  const [seed, number] = picture.split("-");
  return [`no. ${number} of seed ${seed}`, classOf(picture)].filter(Boolean).join(", ");
};

/* The address of something that the generator makes. */
export const addressOf = (file, values) => {
  const words = new URLSearchParams(values);
  if (state.truncation !== 1) words.set("truncation", state.truncation);
  return `${file}?${words}`.replaceAll("%2C", ",");
};

export const pictureAt = (picture) => addressOf("picture.png", { of: picture });

/* The name under which a file is saved. */
export const fileFor = (words, ending) => `${about.file}-${words}${state.truncation === 1 ? "" : `-truncation-${state.truncation}`}.${ending}`;
