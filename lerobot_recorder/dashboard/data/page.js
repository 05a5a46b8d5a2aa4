// What the parts of the page share.

export const at = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setData(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

export const seconds = (value) =>
  value < 60 ? `${value.toFixed(1)} s`
    : value < 3600 ? `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`
      : `${Math.floor(value / 3600)} h ${Math.floor((value % 3600) / 60)} min`;

export const bytes = (value) =>
  value < 1e9 ? `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} MB` : `${(value / 1e9).toFixed(value < 1e11 ? 1 : 0)} GB`;
