/* The printed sheet: its pictures are those of the page, whole. */

import { report } from "./page.js";

const pictureOf = (source) => {
  if (source === "portrait") return report.atlas.portrait ?? document.querySelector(".portrait img").src;
  return report.atlas.real[source] ?? document.querySelector(`#gallery [data-real="${source}"] img`).src;
};

/* Now, and not before printing: a browser may not wait for pictures then. */
export const showSheet = () => {
  for (const image of document.querySelectorAll("[data-plate]")) image.src = pictureOf(image.dataset.plate);
};
