/* What every part of the page uses: elements, words for those who see and those who listen, pictures that say what failed. */

export const byId = (id) => document.getElementById(id);

export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

/* For screen readers, when they are at leisure. */
export const say = (text) => {
  byId("status").textContent = text;
};

/* For everybody, at once; it stays until a picture has come, or nothing is wrong any more. */
export const alarm = (text) => {
  byId("alert").textContent = text;
  byId("alert").hidden = !text;
};

export const LOST = "The program behind this page has ended: start 'sweep play' again, then reload.";

/* The words of an answer that was no success. */
export const wordsOf = async (answer) => (await answer.text()).trim() || `The answer was ${answer.status}.`;

const explain = async (url) => {
  try {
    const answer = await fetch(url);
    if (!answer.ok) alarm(await wordsOf(answer));
  } catch {
    alarm(LOST);
  }
};

/* Show the picture at an address in an <img>; what was there stays until the new one has come. */
export const show = (image, url, words) => {
  image.alt = words;
  if (image.dataset.url === url) return Promise.resolve();
  image.dataset.url = url;
  image.setAttribute("aria-busy", "true");
  image.src = url;
  const there = () => {
    image.removeAttribute("aria-busy");
    alarm("");
  };
  const failed = () => {
    if (image.dataset.url !== url) return null; // another one is asked for by now
    image.removeAttribute("aria-busy");
    delete image.dataset.url; // so that it is asked for again
    return explain(url);
  };
  return image.decode().then(there, failed);
};

/* A call that waits until nothing has asked for it for a moment. */
export const later = (call, milliseconds) => {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(call, milliseconds);
  };
};
