/* Photographs that are dropped, chosen or pasted, and what a translator makes of them, one after the other. */

import { alarm, byId, LOST, make, say, wordsOf } from "./page.js";
import { about } from "./state.js";

const LARGEST = 32; // MiB, as the server allows
const drop = byId("drop");
const queue = [];
let busy = false;

const stem = (name) => name.replace(/\.[^.]*$/, "") || "picture";

const addressFor = (name) => {
  const words = new URLSearchParams({ name });
  if (byId("side").value) words.set("size", byId("side").value);
  if (byId("way").value) words.set("back", byId("way").value);
  return `translate.png?${words}`;
};

/* The words, or the picture that came. */
const ask = async (file, url) => {
  if (file.size > LARGEST * 2 ** 20) return `larger than ${LARGEST} MiB; make it smaller first`;
  if (!file.size) return "the file is empty";
  try {
    const answer = await fetch(url, { method: "POST", body: file });
    return answer.ok ? answer.blob() : wordsOf(answer);
  } catch {
    alarm(LOST);
    return "not translated";
  }
};

const pair = (file, made) => {
  const original = make("img", { class: "original", alt: `${file.name}, as it was`, src: URL.createObjectURL(file) });
  original.addEventListener("error", () => original.remove()); // a format that browsers do not show
  const url = URL.createObjectURL(made);
  const save = make("a", { class: "button quiet", href: url, download: `${about.file}-${stem(file.name)}.png`, "aria-label": `Save the translation of ${file.name} as PNG` }, "Save PNG");
  return [make("div", { class: "pair" }, original, make("img", { alt: `${file.name}, translated`, src: url })), make("div", { class: "controls" }, save)];
};

const work = async () => {
  const job = queue.shift();
  busy = job !== undefined;
  if (!busy) return;
  const { file, item, url } = job;
  const made = await ask(file, url);
  item.removeAttribute("aria-busy");
  if (typeof made === "string") item.replaceChildren(make("p", {}, file.name), make("p", { class: "wrong" }, made));
  else item.replaceChildren(...pair(file, made), make("p", { class: "muted small" }, file.name));
  say(typeof made === "string" ? `${file.name}: ${made}` : `${file.name} is translated; ${queue.length} to go`);
  await work();
};

const take = (files) => {
  for (const file of files) {
    const item = make("li", { "aria-busy": "true" }, make("p", {}, `${file.name} …`));
    byId("translations").prepend(item);
    queue.push({ file, item, url: addressFor(file.name) });
  }
  if (!busy) work();
};

const writeCommand = () => {
  const options = [byId("side").value && `--size ${byId("side").value}`, byId("way").value && "--back"].filter(Boolean);
  byId("translate-command").textContent = [about.command, "--input path/to/pictures", ...options, "--out drawn"].join(" ");
};

export const showTranslator = () => {
  byId("way-label").hidden = !about.back;
  const sides = about.sizes.map((size, place) => make("option", { value: size }, `${size} px${place ? "" : ", as in training"}`));
  byId("side").append(...sides, make("option", { value: "" }, "as it is (slow for large ones)"));
  for (const select of [byId("side"), byId("way")]) select.addEventListener("change", writeCommand);
  writeCommand();
  byId("files").addEventListener("change", (event) => {
    take([...event.target.files]);
    event.target.value = "";
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => take([...event.clipboardData.files]));
};
