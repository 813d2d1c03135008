// Makes elements. What is said in them goes in as text, never as markup: names may come from anywhere.

const SVG = "http://www.w3.org/2000/svg";

function furnish(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function element(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

export function drawn(name, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

export function button(text, act, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", act);
  return made;
}

// Sets a text if it is another one: what is selected or read aloud isn't disturbed for nothing.
export function say(at, text) {
  if (at.textContent !== text) at.textContent = text;
}

export function named(id) {
  return document.getElementById(id);
}

// Terms and what is said of them, for a `dl`.
export function describe(list, pairs) {
  list.replaceChildren(
    ...pairs.flatMap(([term, what]) => [element("dt", {}, term), element("dd", {}, what)]),
  );
}
