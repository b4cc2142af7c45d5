/* The language of filters: `loss=bce lr_g<1e-4 status=stopped`, or words that are looked for. */

export const compare = (first, second) => {
  const [a, b] = [Number(first), Number(second)];
  return Number.isNaN(a) || Number.isNaN(b) ? String(first).localeCompare(String(second), "en", { numeric: true }) : a - b;
};

/* Whether a text is another, or begins with it as a whole word: `stopped at rung 1` with `stopped`, but `wgan-gp` not
   with `wgan`. */
const begins = (text, word) => text === word || (text.startsWith(word) && /[\s:,;([]/.test(text[word.length]));

/* Numbers are equal as numbers, or as the cell shows them. */
const equal = (key, wanted, shown) => {
  const [text, word] = [key.toLowerCase(), wanted.toLowerCase()];
  if (Number.isNaN(Number(key))) return begins(text, word);
  return Number(key) === Number(wanted) || shown === word;
};

/* A number has no order among words: a choice `null` is not above 0.1. */
const ordered = (holds) => (a, b) => Number.isNaN(Number(a)) === Number.isNaN(Number(b)) && holds(compare(a, b));

const COMPARISONS = {
  "=": equal,
  "<": ordered((order) => order < 0),
  ">": ordered((order) => order > 0),
  "<=": ordered((order) => order <= 0),
  ">=": ordered((order) => order >= 0),
};

/* `lr_g<1e-4` compares a column; anything else is looked for in all cells. */
const condition = (word, columnOf) => {
  const [, column, sign, value] = /^([^<>=]+)(<=|>=|<|>|=)(.+)$/.exec(word) ?? [];
  const place = column ? columnOf(column.toLowerCase()) : -1;
  if (place < 0) return ({ text }) => text().includes(word.toLowerCase());
  return ({ key, shown }) => key(place) !== "" && COMPARISONS[sign](key(place), value, shown(place));
};

/* A function that tells whether all words hold in a row: one that gives the `key` of a column and what is `shown` there,
   both by its place, and all its `text`; words in small letters. `columnOf` finds the place of a column by its name in
   small letters, -1 if there is none. */
export const matcher = (words, columnOf) => {
  const conditions = words.split(/[\s,]+/).filter(Boolean).map((word) => condition(word, columnOf));
  return (row) => conditions.every((holds) => holds(row));
};
