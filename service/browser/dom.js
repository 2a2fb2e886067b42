// Small helpers for elements. Text is set as text: names of files are strangers' words.

/** The element of the page that has this data attribute. */
export function part(page, name) {
  return page.querySelector(`[data-${name}]`);
}

/** A new element with properties, attributes (in `attributes`) and children. */
export function make(tag, { attributes = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Call with the last values only, once they have not changed for a while. */
export function settled(action, milliseconds) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), milliseconds);
  };
}

/** A class's name as words. */
export function words(label) {
  return label.replaceAll("_", " ");
}

/** Give an element the colour of a class, and letters that can be read on it. */
export function paint(element, { ground, ink }) {
  element.style.setProperty("--color", ground);
  element.style.setProperty("--ink-on-color", ink);
}
